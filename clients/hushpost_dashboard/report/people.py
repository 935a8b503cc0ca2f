"""A number of people or events, as a page shows it: exact, with a margin, or as a range."""

from dataclasses import dataclass
from typing import Self

from hushpost_client import EngagementStats, Estimate, Rate, SentStats

__all__ = ["Number", "Share", "has_tracked", "people"]

_SHOWN_MARGIN = 0.0005
"""Smaller margins would be shown as 0.0%."""


@dataclass(frozen=True, slots=True)
class Number:
    """A count and how certain it is.

    Attributes:
        value: The count, or the best estimate of it.
        low: The smallest count that is plausible, with a probability of 95%.
        high: The greatest one.
        margin: The margin of the noise; 0 if the count is exact.
        is_noise: Whether the estimate is smaller than its margin. Then only the range from
            `low` to `high` is known, and is shown instead of the estimate.
        is_partial: Whether anonymous people are missing, because they are not released yet or
            only together with other groups.
    """

    value: int
    low: int
    high: int
    margin: int = 0
    is_noise: bool = False
    is_partial: bool = False

    @classmethod
    def exact(cls, value: int, *, is_partial: bool = False) -> Self:
        """Return a count without noise."""
        return cls(value, value, value, is_partial=is_partial)

    @classmethod
    def estimated(cls, estimate: Estimate, value: int, least: int, greatest: int | None) -> Self:
        """Return an estimate that is known to be between `least` and `greatest`."""
        high = value + estimate.margin
        return cls(
            value,
            low=max(value - estimate.margin, least),
            high=high if greatest is None else max(min(high, greatest), value),
            margin=estimate.margin,
            is_noise=estimate.is_noise,
        )

    @property
    def main(self) -> str:
        """The number to print large: 1,234, or 0 to 38 if it cannot be told from noise."""
        return f"{self.low:,} to {self.high:,}" if self.is_noise else f"{self.value:,}"

    @property
    def uncertainty(self) -> str:
        """The margin, or nothing if the number is exact or a range."""
        return f"± {self.margin:,}" if self.margin and not self.is_noise else ""

    @property
    def text(self) -> str:
        """The number with its margin; an asterisk marks one that lacks anonymous people."""
        return f"{self.unmarked_text}*" if self.is_partial else self.unmarked_text

    @property
    def unmarked_text(self) -> str:
        """The number with its margin, for pages that mark numbers in another way."""
        return f"{self.main} {self.uncertainty}".rstrip()

    @property
    def spoken(self) -> str:
        """The number as a screen reader should say it."""
        if self.is_noise:
            return f"{self.low:,} to {self.high:,}"
        margin = f" plus or minus {self.margin:,}" if self.margin else ""
        return f"{self.value:,}{margin}"


def people(engagement: EngagementStats, messages: int | None = None) -> Number:
    """Return identified and anonymous people together.

    Args:
        engagement: What they did.
        messages: How many messages were sent; None if that is not known.
    """
    known, combined = engagement.identified.unique, engagement.combined
    if combined is None:
        return Number.exact(known, is_partial=True)
    return Number.estimated(combined, combined.unique, known, messages)


@dataclass(frozen=True, slots=True)
class Share:
    """A rate from 0 to 1 and how certain it is.

    Attributes:
        value: The rate.
        margin: The margin of the noise.
        least: A rate that is certain, because identified people alone cause it.
        is_noise: Whether the rate is smaller than its margin.
        is_partial: Whether anonymous people are missing, so that the rate is a lower bound.
    """

    value: float
    margin: float = 0
    least: float = 0
    is_noise: bool = False
    is_partial: bool = False

    @classmethod
    def of_rate(cls, rate: Rate, counted: EngagementStats) -> Self:
        """Return the rate of people who did what `counted` counts."""
        return cls(
            rate.combined,
            rate.margin,
            min(rate.identified, rate.combined),
            is_noise=bool(rate.margin) and rate.combined < rate.margin,
            is_partial=counted.combined is None,
        )

    @classmethod
    def of_numbers(cls, part: Number, whole: Number) -> Self | None:
        """Return a part of a number; None if the whole is 0 or cannot be told from noise."""
        if not whole.value or whole.is_noise:
            return None
        value = min(part.value / whole.value, 1.0)
        # An upper bound of the margin, to first order: the noise of both may be related.
        margin = min((part.margin + value * whole.margin) / whole.value, 1.0)
        return cls(
            value,
            margin,
            min(part.low / whole.high, value),
            is_noise=part.is_noise or 0 < value < margin,
            is_partial=part.is_partial,
        )

    @property
    def low(self) -> float:
        """The smallest rate that is plausible."""
        return max(self.value - self.margin, self.least)

    @property
    def high(self) -> float:
        """The greatest one."""
        return min(self.value + self.margin, 1.0)

    @property
    def main(self) -> str:
        """The rate to print large: 41.2%, or a range if it cannot be told from noise."""
        if self.is_noise:
            return f"{self.low:.1%} to {self.high:.1%}"
        return f"{self.value:.1%}"

    @property
    def uncertainty(self) -> str:
        """The margin, or nothing if it is too small to be seen or the rate is a range."""
        shown = self.margin >= _SHOWN_MARGIN and not self.is_noise
        return f"± {self.margin:.1%}" if shown else ""

    @property
    def text(self) -> str:
        """The rate with its margin."""
        return f"{self.unmarked_text}*" if self.is_partial else self.unmarked_text

    @property
    def unmarked_text(self) -> str:
        """The rate with its margin, for pages that mark rates in another way."""
        return f"{self.main} {self.uncertainty}".rstrip()


def has_tracked(sent: SentStats) -> bool:
    """Return whether messages were sent that can cause events, so that rates mean something.

    As in the rates, messages without tracking count only if they are more than their margin.
    """
    return sent.total > (sent.off if sent.off > sent.margin else 0)
