"""What was measured: medians with their spread, as a file and as a table."""

import json
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

from rich.table import Table

__all__ = ["Figure", "Spread", "ratios", "save", "table"]


@dataclass(frozen=True, slots=True)
class Spread:
    """The median of some rounds, between the lowest and the highest of them."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, samples: Sequence[float]) -> Self:
        """Sum samples up."""
        return cls(statistics.median(samples), min(samples), max(samples))


def ratios(measured: Sequence[float], reference: Sequence[float]) -> Spread:
    """Return measured ÷ reference, round by round: both halves of a round saw the same machine."""
    return Spread.of([ours / bare for ours, bare in zip(measured, reference, strict=True)])


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure.

    `value` is what the name promises, between `low` and `high` over the rounds;
    `ratio` is the measured thing ÷ the reference. `reference` says in words, and
    with its own number, what was measured beside it.
    """

    name: str
    value: float
    unit: str
    reference: str
    ratio: float | None
    low: float
    high: float
    rounds: int
    conditions: str


def save(figures: Sequence[Figure], path: Path) -> None:
    """Write the figures as JSON."""
    path.write_text(json.dumps([asdict(figure) for figure in figures], indent=2) + "\n")


def table(figures: Sequence[Figure], caption: str) -> Table:
    """Lay the figures out for a terminal of 80 columns or more."""
    shown = Table(title="hushpost bench", caption=caption, caption_justify="left")
    shown.add_column("figure", no_wrap=True)
    shown.add_column("median\n[dim]lowest … highest", justify="right", no_wrap=True)
    shown.add_column("÷ reference\n[dim]conditions")
    for figure in figures:
        ratio = "" if figure.ratio is None else f"{_number(figure.ratio)} of "
        shown.add_row(
            f"{figure.name}\n[dim]{figure.unit}",
            f"{_number(figure.value)}\n[dim]{_number(figure.low)} … {_number(figure.high)}",
            f"{ratio}{figure.reference}\n[dim]{figure.conditions}; {figure.rounds} rounds",
        )
        shown.add_section()
    return shown


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
