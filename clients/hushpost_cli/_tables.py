"""Tables for a terminal."""

from collections.abc import Iterable
from datetime import UTC, datetime

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

__all__ = ["new_table", "output", "printable", "time_text"]

_FILE_WIDTH = 200
"""The width of tables that no terminal shows."""


def output() -> Console:
    """Return standard output. Files and pipes get wide tables."""
    console = Console(highlight=False, markup=False)
    if not console.is_terminal:
        console.width = max(console.width, _FILE_WIDTH)
    return console


def new_table(*names: str, numbers: Iterable[str] = ()) -> Table:
    """Return an empty table; its cells of numbers are not broken into lines."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in names:
        table.add_column(name, overflow="fold")
    for name in numbers:
        table.add_column(name, justify="right", no_wrap=True)
    return table


def printable(text: str) -> Text:
    """Return a text that neither styles nor controls the terminal."""
    return Text("".join(each if each.isprintable() else "\ufffd" for each in text))


def time_text(time: datetime) -> str:
    return f"{time.astimezone(UTC):%Y-%m-%d %H:%M}"
