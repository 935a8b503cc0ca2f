"""What was measured: figures with their spread, and curves."""

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

__all__ = ["Curve", "Figure", "Result", "Spread", "percentile", "ratios"]


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


def percentile(samples: Sequence[float], share: float) -> float:
    """Return the least sample that so large a share of all does not exceed."""
    ordered = sorted(samples)
    return ordered[min(math.ceil(share * len(ordered)), len(ordered)) - 1]


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
        """Sum the samples of all rounds up."""
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
        """Make a figure of measured ÷ reference, round by round."""
        spread = ratios(measured, bare)
        median = spread.median
        return cls(
            name,
            median,
            "ratio",
            reference,
            median,
            spread.low,
            spread.high,
            len(bare),
            conditions,
        )


@dataclass(frozen=True, slots=True)
class Curve:
    """How some numbers change with another: a value per place `x` on each line."""

    name: str
    x_label: str
    y_label: str
    x: Sequence[float]
    lines: Mapping[str, Sequence[float]]
    conditions: str


Result = Figure | Curve
