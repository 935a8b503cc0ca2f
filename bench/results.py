"""Results of measurements: figures with their spread, and curves for plots."""

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

__all__ = ["Curve", "Figure", "Result", "Spread", "format_number", "percentile", "ratios"]


@dataclass(frozen=True, slots=True)
class Spread:
    """The median of several rounds, with the lowest and the highest."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, samples: Sequence[float]) -> Self:
        """Summarize samples."""
        return cls(statistics.median(samples), min(samples), max(samples))


def ratios(measured: Sequence[float], reference: Sequence[float]) -> Spread:
    """Summarize measured ÷ reference, computed per round.

    Both halves of a round run within seconds, so that drift of the machine cancels out.
    """
    return Spread.of([ours / bare for ours, bare in zip(measured, reference, strict=True)])


def percentile(samples: Sequence[float], share: float) -> float:
    """Return the percentile by nearest rank; `share` is between 0 and 1."""
    ordered = sorted(samples)
    return ordered[min(math.ceil(share * len(ordered)), len(ordered)) - 1]


def format_number(value: float) -> str:
    """Format with three significant digits, or as a whole number from 100 on."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured figure.

    Attributes:
        name: Identifies the figure in results.json and in the docs.
        value: The headline number, usually the median over the rounds.
        unit: Unit of `value`, `low` and `high`; "ratio" for ratios.
        reference: What was measured for comparison in the same run, with its own number.
        ratio: The measured quantity ÷ the reference.
        low: Lowest round.
        high: Highest round.
        rounds: Number of samples.
        conditions: How it was measured, in words.
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

    @classmethod
    def of(
        cls,
        name: str,
        samples: Sequence[float],
        unit: str,
        *,
        reference: str = "",
        ratio: float | None = None,
        conditions: str,
    ) -> Self:
        """Summarize one sample per round."""
        spread = Spread.of(samples)
        rounds = len(samples)
        return cls(
            name, spread.median, unit, reference, ratio, spread.low, spread.high, rounds, conditions
        )

    @classmethod
    def of_ratio(
        cls,
        name: str,
        measured: Sequence[float],
        bare: Sequence[float],
        *,
        reference: str,
        conditions: str,
    ) -> Self:
        """Summarize measured ÷ reference, computed per round."""
        spread = ratios(measured, bare)
        return cls(
            name,
            spread.median,
            "ratio",
            reference,
            spread.median,
            spread.low,
            spread.high,
            len(bare),
            conditions,
        )

    @property
    def value_with_unit(self) -> str:
        """The value for people; ratios have no unit."""
        unit = "" if self.unit == "ratio" else f" {self.unit}"
        return f"{format_number(self.value)}{unit}"

    @property
    def reference_with_ratio(self) -> str:
        """The reference for people, with the measured quantity relative to it."""
        if self.ratio is None:
            return self.reference
        return f"{self.reference} (ratio {format_number(self.ratio)})"


@dataclass(frozen=True, slots=True)
class Curve:
    """Data for a plot: for each line, one y value per place in `x`."""

    name: str
    x_label: str
    y_label: str
    x: Sequence[float]
    lines: Mapping[str, Sequence[float]]
    conditions: str


Result = Figure | Curve
