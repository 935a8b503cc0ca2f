"""The errors of designs that were not built, for comparison."""

from math import log, sqrt
from random import Random

import numpy as np

__all__ = [
    "anchored_scales",
    "click_error",
    "gaussian_margin",
    "increment_scales",
    "published_by_quorum",
]

_DELTA = 1e-6
"""The probability with which approximate differential privacy may fail."""

_NORMAL_95 = 1.96


def increment_scales(epsilon: float, share: float, date: int) -> list[float]:
    """Return the scales of the noise in a cumulative count if increments are released.

    Each date adds the increase since the last one, with noise. A replay moves an act from
    one increment to another, so an act costs twice; the noise of all dates adds up.
    """
    return [2 / (epsilon * share)] * (date + 1)


def anchored_scales(epsilon: float, share: float, date: int, dates: int) -> list[float]:
    """Return the scales if the dates share noise, all of which is drawn before the first.

    The noise of the last date gets two thirds of the budget, and each earlier date adds noise to
    that of the date after it. An act changes the counts of consecutive dates, so it costs
    at most the last date's part and one step, whatever the number of dates.
    """
    if dates == 1:
        return [1 / (epsilon * share)]
    step = 3 / (epsilon * share)
    return [1.5 / (epsilon * share), *[step] * (dates - 1 - date)]


def gaussian_margin(epsilon: float, share: float, date: int, dates: int, squares: int) -> float:
    """Return the margin of Gaussian noise with zero-concentrated differential privacy.

    The budget rho follows from epsilon and delta (Bun and Steinke 2016, proposition 1.3), and
    is divided as the other one is.

    Args:
        epsilon: The budget.
        share: The share of the kind in a date's budget.
        date: The date's position.
        dates: The number of dates.
        squares: The square of the L2 sensitivity.
    """
    rho = (sqrt(log(1 / _DELTA) + epsilon) - sqrt(log(1 / _DELTA))) ** 2
    part = rho * share * (1 << date) / ((1 << dates) - 1)
    return _NORMAL_95 * sqrt(squares / (2 * part))


def published_by_quorum(people: int, group: int, rate: float, quorum: int, rng: Random) -> float:
    """Return the part of the acts that is published if numbers are multiples of the quorum."""
    acts = [sum(rng.random() < rate for _ in range(group)) for _ in range(people // group)]
    return sum(count // quorum * quorum for count in acts) / sum(acts)


def click_error(clickers: int, bound: int, scale: float, rng: Random) -> tuple[float, float]:
    """Return the error of the most clicked of ten links: of the bound, and of the noise.

    The first is the mean number of people who are missing, because they count on `bound` of
    the links that they clicked; the second the standard deviation of the noise. Of 100
    clickers, 70 click one link, 20 two, 10 five, and popular links more often (Zipf's law).
    """
    weights = 1 / np.arange(1, 11)
    draws = np.random.default_rng(rng.getrandbits(64))
    missing = 0.0
    for person in range(clickers):
        clicked = 1 if person % 10 < 7 else 2 if person % 10 < 9 else 5
        chosen = draws.choice(10, clicked, replace=False, p=weights / weights.sum())
        if 0 in chosen:
            missing += 1 - min(1, bound / clicked)
    return missing, sqrt(2) * scale
