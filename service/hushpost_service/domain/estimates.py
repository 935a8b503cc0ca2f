"""Estimates of anonymous counts, as they are shown. Pure."""

from dataclasses import dataclass

__all__ = ["Estimate", "clamped"]


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number and its margin.

    Attributes:
        value: The estimate; never negative, never above the greatest possible count.
        margin: The true count is this close to the unclamped estimate in 95 % of all cases; 0 if
            the value is exact.
        is_noise: Whether the estimate is smaller than its margin, so that it cannot be told
            from noise.
    """

    value: int = 0
    margin: int = 0
    is_noise: bool = False


def clamped(released: int, margin: int, limit: int | None = None) -> Estimate:
    """Return a released number as an estimate between 0 and `limit`, if there is one.

    Clamp sums, not their parts: the parts' noise cancels out in the sum.
    """
    value = max(released, 0)
    if limit is not None:
        value = min(value, limit)
    return Estimate(value, margin, margin > 0 and value < margin)
