"""Discrete Laplace noise, and how far noise may move a number. Pure, except for randomness."""

from collections import Counter
from collections.abc import Sequence
from functools import cache, lru_cache
from itertools import accumulate
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from opendp.mod import Measurement

__all__ = ["margin", "with_noise"]

_CONFIDENCE = 0.95

_TAIL = 40
"""The noise exceeds its scale by this factor with a probability of e to the power of -40."""


def with_noise(counts: Sequence[int], scales: Sequence[float]) -> list[int]:
    """Add discrete Laplace noise to counts, each with its scale.

    The randomness is the operating system's. A second call would draw other noise and spend
    the budget again, so store the result and never draw twice for a count.
    """
    return [_measurement(scale)(count) for count, scale in zip(counts, scales, strict=True)]


@cache
def _measurement(scale: float) -> "Measurement":
    """Return a function that adds noise to an integer."""
    # Imported late: it loads a native library of 15 MB, which only releases need.
    import opendp.prelude as dp  # noqa: PLC0415

    # OpenDP calls everything "contrib" whose proof its own team has not reviewed.
    dp.enable_features("contrib")
    return dp.m.make_laplace(dp.atom_domain(T="i64"), dp.absolute_distance(T="i64"), scale=scale)


def margin(scales: Sequence[float]) -> int:
    """Return how far the sum of independent noise stays from 0 in 95 % of all cases."""
    return _margin(tuple(sorted(Counter(scales).items())))


@lru_cache(maxsize=10_000)
def _margin(scales: tuple[tuple[float, int], ...]) -> int:
    """As `margin`; each scale with the number of its occurrences."""
    deviation = sum(2 * scale**2 * times for scale, times in scales) ** 0.5
    greatest = max((scale for scale, _ in scales), default=0)
    # The distribution of a sum is the convolution of the distributions: a product of
    # transforms. The array is a circle, wide enough that the tails do not meet.
    half = int(_TAIL * greatest + 8 * deviation) + 1
    distance = np.minimum(np.arange(2 * half), np.arange(2 * half, 0, -1))
    transform = np.ones(half + 1)
    for scale, times in scales:
        decay = np.exp(-1 / scale)
        transform *= np.fft.rfft((1 - decay) / (1 + decay) * decay**distance).real ** times
    density = np.fft.irfft(transform, 2 * half)
    # Probabilities of the distances 0, 1, 2 …: both sides, and the middle once.
    within = accumulate([density[0], *(2 * density[1:half])])
    return next(reach for reach, part in enumerate(within) if part >= _CONFIDENCE)
