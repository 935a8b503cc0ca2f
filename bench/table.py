"""Figures as a table for a terminal."""

from collections.abc import Sequence

from rich.table import Table

from bench.reach import Reach
from bench.results import Figure

__all__ = ["number", "table"]


def table(figures: Sequence[Figure], reaches: dict[str, Reach], caption: str) -> Table:
    """Lay the figures out for a terminal of 80 columns or more."""
    shown = Table(title="hushpost bench", caption=caption, caption_justify="left")
    shown.add_column("figure", no_wrap=True)
    shown.add_column("median\n[dim]lowest … highest", justify="right", no_wrap=True)
    shown.add_column("÷ reference\n[dim]conditions")
    for figure in figures:
        ratio = "" if figure.ratio is None else f"{number(figure.ratio)} of "
        reach = reaches.get(figure.name)
        mark = ""
        if reach is not None and reach.is_set:
            mark = " [green]✓[/]" if reach.is_reached(figure.value) else f" [red]{reach}[/]"
        shown.add_row(
            f"{figure.name}\n[dim]{figure.unit}",
            f"{number(figure.value)}{mark}\n[dim]{number(figure.low)} … {number(figure.high)}",
            f"{ratio}{figure.reference}\n[dim]{figure.conditions}; {figure.rounds} rounds",
        )
        shown.add_section()
    return shown


def number(value: float) -> str:
    """Write a number with three digits, or with all that stand before the point."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
