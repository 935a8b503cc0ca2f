"""Discrete Laplace noise and its margins."""

import math
from collections import Counter

import pytest

from hushpost_service.domain.noise import _measurement, margin, with_noise
from hushpost_service.domain.release_plan import LINKS_PER_CONTACT, CountKind, ReleasePlan

DRAWS = 40_000


@pytest.mark.parametrize("scale", [0.3, 2.0, 9.5])
def test_noise_has_the_distribution_of_its_scale(scale: float) -> None:
    """Each value is as frequent as the discrete Laplace distribution says.

    The tolerance of six standard deviations fails once in 10 million runs.
    """
    found = Counter(with_noise([100] * DRAWS, [scale] * DRAWS))
    decay = math.exp(-1 / scale)
    for distance in range(-5, 6):
        chance = (1 - decay) / (1 + decay) * decay ** abs(distance)
        expected, deviation = DRAWS * chance, math.sqrt(DRAWS * chance * (1 - chance))
        assert abs(found[100 + distance] - expected) <= 6 * deviation + 1


def test_each_count_gets_the_noise_of_its_scale() -> None:
    """The order of counts and scales is kept, whichever scales are equal."""
    scales = [0.01, 1000.0, 0.01, 2000.0, 1000.0, 0.01] * 50
    noisy = with_noise(range(300), scales)
    assert all(noisy[n] == n for n in range(300) if scales[n] < 1)
    assert sum(noisy[n] == n for n in range(300) if scales[n] > 1) < 10


@pytest.mark.parametrize("date", [0, 3])
def test_the_library_agrees_with_the_plan(date: int) -> None:
    """OpenDP's own privacy maps of a date's counts add up to the budget of the date."""
    plan = ReleasePlan(2.0, 4)
    changes = {CountKind.OPENS: 1, CountKind.CLICKERS: 1, CountKind.LINKS: LINKS_PER_CONTACT}
    spent = sum(
        _measurement(plan.scale(date, kind, machine=machine)).map(change)  # type: ignore[no-untyped-call]
        for kind, change in changes.items()
        for machine in (False, True)
    )
    assert spent == pytest.approx(plan.date_epsilon(date))


def test_each_call_draws_other_noise() -> None:
    """Noise is not derived from the counts or the time."""
    assert with_noise([0] * 50, [20.0] * 50) != with_noise([0] * 50, [20.0] * 50)


@pytest.mark.parametrize("scale", [0.3, 1.0, 4.0, 37.5, 400.0])
def test_the_margin_of_one_count_is_a_quantile(scale: float) -> None:
    """The noise exceeds the margin in at most 5 % of all cases, and one less in more."""
    decay = math.exp(-1 / scale)

    def beyond(reach: int) -> float:
        return 2 * decay ** (reach + 1) / (1 + decay)

    found = margin([scale])
    assert beyond(found) <= 0.05 + 1e-9
    assert found == 0 or beyond(found - 1) > 0.05 - 1e-9


@pytest.mark.parametrize("scales", [[4.0] * 2, [4.0] * 30, [1.0, 2.0, 30.0], [2.0] * 400])
def test_the_margin_of_a_sum_holds_in_95_percent(scales: list[float]) -> None:
    """Drawn sums stay within the margin as often as it says, within six deviations."""
    rounds = DRAWS // len(scales)
    noise = with_noise([0] * rounds * len(scales), scales * rounds)
    sums = [sum(noise[n : n + len(scales)]) for n in range(0, len(noise), len(scales))]
    within = sum(abs(total) <= margin(scales) for total in sums)
    assert within >= rounds * 0.95 - 6 * math.sqrt(rounds * 0.95 * 0.05)
    below = sum(abs(total) < 0.9 * margin(scales) for total in sums)
    assert below <= rounds * 0.95 + 6 * math.sqrt(rounds * 0.95 * 0.05)


@pytest.mark.parametrize("scale", [600.0, 15_000.0, 1e7])
def test_margins_of_much_noise_are_close_to_the_quantile(scale: float) -> None:
    """They are computed in steps, and rounded up."""
    assert margin([scale]) == pytest.approx(math.log(20) * scale, rel=0.002)
    assert margin([scale]) >= math.log(20) * scale * 0.9999


def test_no_noise_has_no_margin() -> None:
    """The sum of no counts is exact."""
    assert margin([]) == 0
    assert with_noise([], []) == []
