"""Formats figures as a table for the terminal."""

from collections.abc import Sequence

from rich.table import Table

from bench.results import Figure, format_number
from bench.targets import Target

__all__ = ["figures_table"]


def figures_table(figures: Sequence[Figure], targets: dict[str, Target], caption: str) -> Table:
    """Return a table for a terminal of at least 80 columns."""
    table = Table(title="hushpost bench", caption=caption, caption_justify="left")
    table.add_column("figure", no_wrap=True)
    table.add_column("median\n[dim]lowest … highest", justify="right", no_wrap=True)
    table.add_column("reference\n[dim]conditions")
    for figure in figures:
        spread = f"{format_number(figure.low)} … {format_number(figure.high)}"
        table.add_row(
            f"{figure.name}\n[dim]{figure.unit}",
            f"{format_number(figure.value)}{_mark(figure, targets)}\n[dim]{spread}",
            f"{figure.reference_with_ratio}\n[dim]{figure.conditions}; {figure.rounds} rounds",
        )
        table.add_section()
    return table


def _mark(figure: Figure, targets: dict[str, Target]) -> str:
    """Return a check mark if the target is met, the target if it is missed."""
    target = targets.get(figure.name)
    if target is None or not target.is_set:
        return ""
    return " [green]✓[/]" if target.is_met(figure.value) else f" [red]{target}[/]"
