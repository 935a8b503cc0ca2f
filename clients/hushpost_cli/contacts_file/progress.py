"""Shows the progress of a command through its file."""

import sys
import time
from collections.abc import Callable
from typing import Self, TextIO

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Column
from rich.text import Text

from hushpost_cli.contacts_file.csv_file import ContactsFile

__all__ = ["progress_bar"]

_EVERY_ROWS = 5_000
_EVERY_SECONDS = 5.0


def progress_bar(file: ContactsFile, verb: str, every: int = _EVERY_ROWS) -> "Bar | Lines":
    """Return a progress bar on a terminal, otherwise a printer of plain lines.

    Args:
        file: The file that is read.
        verb: The name of the step, such as "importing".
        every: Rows between two updates.
    """
    console = Console(stderr=True)
    if console.is_terminal:
        return Bar(file, verb, console, every)
    return Lines(file, verb, sys.stderr, every)


class Bar:
    """A progress bar by bytes, with rows per second and the remaining time."""

    def __init__(self, file: ContactsFile, verb: str, console: Console, every: int) -> None:
        self._every = every
        self._file = file
        self._rows = 0
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            _RowsColumn(Column(no_wrap=True)),
            TimeRemainingColumn(),
            console=console,
        )
        self._task = self._progress.add_task(f"{verb} {file.name}", total=file.size, rows=0)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, failed: object, *_rest: object) -> None:
        if failed is None:
            self._progress.update(self._task, completed=self._file.size, rows=self._rows)
        self._progress.stop()

    def __call__(self, rows: int) -> None:
        self._rows = rows
        if rows % self._every == 0:
            self._progress.update(self._task, completed=self._file.position, rows=rows)


class _RowsColumn(ProgressColumn):
    """Rows so far, and rows per second."""

    def render(self, task: Task) -> Text:
        rows = int(task.fields["rows"])
        rate = rows / task.elapsed if task.elapsed else 0
        return Text(f"{rows:,} rows, {rate:,.0f}/s")


class Lines:
    """Prints a plain line every five seconds."""

    def __init__(
        self,
        file: ContactsFile,
        verb: str,
        out: TextIO,
        every: int = _EVERY_ROWS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._file = file
        self._verb = verb
        self._out = out
        self._every = every
        self._clock = clock
        self._start = self._printed = clock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None: ...

    def __call__(self, rows: int) -> None:
        if rows % self._every == 0 and self._clock() - self._printed >= _EVERY_SECONDS:
            self._printed = self._clock()
            self._print(rows, self._printed - self._start)

    def _print(self, rows: int, seconds: float) -> None:
        share = self._file.position / max(self._file.size, 1)
        left = seconds / share - seconds if share else 0
        print(
            f"{self._verb} {self._file.name}: {share:.0%}, {rows:,} rows, "
            f"{rows / seconds:,.0f}/s, {left:,.0f} s left",
            file=self._out,
            flush=True,
        )
