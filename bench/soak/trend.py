"""Decides whether a series of samples grows.

The rule, for the last two thirds of a run (the first third warms caches up): a line is fitted by
least squares. The series grows if

1. the lower end of the slope's confidence interval, extrapolated to an hour, is above 2% of the
   mean, and
2. the line rises by more than a floor within the run, below which growth is noise.

The interval is three standard errors wide on each side. Neighbouring samples are alike, which
makes the usual standard error too small, so it is corrected for their correlation (first order).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

__all__ = ["MAX_GROWTH_PER_HOUR", "MIN_SAMPLES", "Trend", "trend"]

MAX_GROWTH_PER_HOUR = 0.02
MIN_SAMPLES = 12
_WARM_UP = 1 / 3
_STANDARD_ERRORS = 3
_MAX_CORRELATION = 0.95
_HOUR = 3600


@dataclass(frozen=True, slots=True)
class Trend:
    """The line through a series.

    Attributes:
        mean: Of the samples after the warm-up.
        growth_per_hour: Of the line, as a share of the mean.
        least_growth_per_hour: The lower end of its confidence interval.
        rise: By how much the line rises after the warm-up, in the unit of the samples.
        is_growing: Whether both conditions of the rule hold.
    """

    mean: float
    growth_per_hour: float
    least_growth_per_hour: float
    rise: float
    is_growing: bool


def trend(times: Sequence[float], values: Sequence[float], floor: float) -> Trend:
    """Fit a line to a series.

    Args:
        times: Seconds, ascending.
        values: One sample per time.
        floor: A rise within the run that is noise, in the unit of the samples.

    Raises:
        ValueError: There are fewer than `MIN_SAMPLES` samples.
    """
    if len(times) < MIN_SAMPLES:
        raise ValueError(f"{len(times)} samples are too few")
    first = math.floor(len(times) * _WARM_UP)
    x, y = np.asarray(times[first:], float), np.asarray(values[first:], float)
    offsets = x - x.mean()
    spread = float(offsets @ offsets)
    slope = float(offsets @ y) / spread
    residuals = y - y.mean() - slope * offsets
    error = math.sqrt(float(residuals @ residuals) / (len(x) - 2) / spread)
    least = slope - _STANDARD_ERRORS * error * _inflation(residuals)
    mean = float(y.mean())
    scale = _HOUR / mean if mean else 0.0
    rise = slope * float(x[-1] - x[0])
    return Trend(
        mean,
        slope * scale,
        least * scale,
        rise,
        is_growing=least * scale > MAX_GROWTH_PER_HOUR and rise > floor,
    )


def _inflation(residuals: "np.ndarray[tuple[int], np.dtype[np.float64]]") -> float:
    """Return by how much the correlation of neighbours widens the standard error."""
    power = float(residuals @ residuals)
    if not power:
        return 1.0
    correlation = float(residuals[1:] @ residuals[:-1]) / power
    correlation = min(max(correlation, 0.0), _MAX_CORRELATION)
    return math.sqrt((1 + correlation) / (1 - correlation))
