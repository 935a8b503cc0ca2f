"""A lower bound on epsilon, from how often an adversary is right."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from math import log, log1p

import numpy as np
from numpy.typing import NDArray

__all__ = ["binomial_bounds", "epsilon_lower_bound"]

Scores = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class _Test:
    """Says that the target acted if the score is at least the threshold; or the reverse."""

    threshold: float
    is_reverse: bool

    def epsilon(self, without: Scores, with_act: Scores, confidence: float) -> float:
        """Return the lower bound on epsilon that follows from the two kinds of plays."""
        said = [int(np.sum(scores >= self.threshold)) for scores in (without, with_act)]
        wrong, right = said
        of_wrong, of_right = len(without), len(with_act)
        if self.is_reverse:
            wrong, right = of_right - right, of_wrong - wrong
            of_wrong, of_right = of_right, of_wrong
        low, _ = binomial_bounds(right, of_right, confidence)
        _, high = binomial_bounds(wrong, of_wrong, confidence)
        return log(low / high) if low > 0 else 0.0


def epsilon_lower_bound(without: Scores, with_act: Scores, confidence: float) -> float:
    """Return a lower bound on epsilon.

    If the mechanism has a loss of epsilon, P(says "acted" | acted) is at most e^epsilon times
    P(says "acted" | did not act), and the same with all roles exchanged. Both probabilities are
    bounded by Clopper and Pearson's intervals. Half of the plays choose the threshold, so
    that the other half is independent of it.

    Args:
        without: Scores of plays in which the target did not act.
        with_act: Scores of plays in which it did. High scores speak for this.
        confidence: The probability that the bound is not above the true epsilon.
    """
    choosing = without[::2], with_act[::2]
    quantiles = np.quantile(np.concatenate(choosing), np.linspace(0.01, 0.99, 50))
    tests = [_Test(float(at), reverse) for at in quantiles for reverse in (False, True)]
    best = max(tests, key=lambda test: test.epsilon(*choosing, confidence))
    return max(0.0, best.epsilon(without[1::2], with_act[1::2], confidence))


@cache
def binomial_bounds(successes: int, trials: int, confidence: float) -> tuple[float, float]:
    """Return bounds of a probability, of which each fails in half of 1 - `confidence`.

    Clopper and Pearson 1934.
    """
    risk = (1 - confidence) / 2
    low = 0.0 if successes == 0 else _root(lambda p: 1 - _cdf(successes - 1, trials, p) - risk)
    high = 1.0 if successes == trials else _root(lambda p: risk - _cdf(successes, trials, p))
    return low, high


def _root(increasing: Callable[[float], float]) -> float:
    """Return where an increasing function of a probability becomes positive."""
    low, high = 0.0, 1.0
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (low, middle) if increasing(middle) > 0 else (middle, high)
    return low


def _cdf(successes: int, trials: int, p: float) -> float:
    """Return the probability of at most so many successes, for p strictly between 0 and 1."""
    logs = _log_factorials(trials)
    k = np.arange(successes + 1)
    terms = logs[trials] - logs[k] - logs[trials - k] + k * log(p) + (trials - k) * log1p(-p)
    return float(np.exp(terms).sum())


@cache
def _log_factorials(limit: int) -> NDArray[np.float64]:
    return np.concatenate(([0.0], np.cumsum(np.log(np.arange(1, limit + 1)))))
