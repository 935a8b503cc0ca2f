"""The rule that decides whether a series grows."""

import math
import random
from collections.abc import Callable

import pytest

from bench.soak.trend import trend

SAMPLES, SECONDS = 360, 5
TIMES = [SECONDS * number for number in range(SAMPLES)]
FLOOR = 8.0

NOISE = random.Random(11)  # noqa: S311 - repeatable


@pytest.fixture(autouse=True)
def same_noise() -> None:
    """Each test has the same noise, whichever tests ran before it."""
    NOISE.seed(11)


def noisy(value: Callable[[int], float], spread: float = 1.0) -> list[float]:
    """Return samples of a function of the sample's number, with seeded noise."""
    return [value(number) + NOISE.gauss(0, spread) for number in range(SAMPLES)]


def test_a_slow_leak_grows() -> None:
    """30 MiB per hour on top of 120 MiB are found within half an hour, despite noise."""
    found = trend(TIMES, noisy(lambda number: 120 + 30 * number * SECONDS / 3600), FLOOR)
    assert found.is_growing
    assert found.growth_per_hour == pytest.approx(0.22, abs=0.05)
    assert found.rise == pytest.approx(10, abs=2)


def test_noise_does_not_grow() -> None:
    """Of many flat series with much noise, none is reported, even without a floor."""
    assert not any(trend(TIMES, noisy(lambda _: 120, 10), 0).is_growing for _ in range(100))


def test_warming_up_does_not_count() -> None:
    """What grows in the first third and then stays, does not grow."""
    assert not trend(TIMES, noisy(lambda number: min(120 + number, 240)), 0).is_growing


def test_a_saw_tooth_does_not_grow() -> None:
    """Dead tuples that accumulate and are vacuumed do not grow, whenever the run ends."""
    period = 47
    saw = noisy(lambda number: 1000 + 100 * (number % period))
    for phase in range(period):
        part = saw[phase : SAMPLES - period + phase]
        assert not trend(TIMES[: len(part)], part, 0).is_growing


def test_samples_that_resemble_their_neighbours_do_not_grow() -> None:
    """Of slow waves, which look like lines, fewer than 1% are reported, even without a floor."""
    waves = 400
    growing = 0
    for _ in range(waves):
        wave = [0.0]
        while len(wave) < SAMPLES:
            wave.append(0.9 * wave[-1] + NOISE.gauss(0, 0.5))
        growing += trend(TIMES, [120 + value for value in wave], 0).is_growing
    assert growing < waves / 100


def test_a_rise_below_the_floor_does_not_grow() -> None:
    """A short run cannot tell a rise of a few MiB from allocators that settle."""
    rising = [100 + 6 * number / SAMPLES for number in range(SAMPLES)]
    assert not trend(TIMES, rising, FLOOR).is_growing
    assert trend(TIMES, rising, 3).is_growing


def test_a_rise_of_less_than_two_percent_per_hour_does_not_grow() -> None:
    """However certain a rise is, it counts only if it is large for the series."""
    hours = TIMES[-1] / 3600
    for percent, is_growing in ((1.5, False), (2.5, True)):
        rising = [1000 * (1 + percent / 100 * hours * n / SAMPLES) for n in range(SAMPLES)]
        assert trend(TIMES, rising, 0).is_growing == is_growing


def test_a_series_that_falls_or_is_zero_does_not_grow() -> None:
    """There is no growth without a rise."""
    assert not trend(TIMES, noisy(lambda number: 500 - number), 0).is_growing
    assert not trend(TIMES, [0.0] * SAMPLES, 0).is_growing
    assert math.isclose(trend(TIMES, [0.0] * SAMPLES, 0).growth_per_hour, 0)


def test_too_few_samples_are_refused() -> None:
    """A verdict on a few samples would be worth nothing."""
    with pytest.raises(ValueError, match="11 samples"):
        trend(TIMES[:11], [1.0] * 11, FLOOR)
