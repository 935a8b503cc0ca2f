"""Combining identified and anonymous numbers, and rates of people."""

from math import hypot

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hushpost_service.domain.counters import Count
from hushpost_service.domain.estimates import Estimate
from hushpost_service.domain.noise import margin, with_noise
from hushpost_service.stats.anonymous import Part
from hushpost_service.stats.engagement import (
    Engagement,
    Rate,
    Sent,
    Signal,
    engagement_of,
    rates_of,
)

SCALES = (4.0, 4.0)
NO_EVENTS = Part(Count(), SCALES)
ALL = Sent(1_000)
MANY = Sent(10_000)
DRAWS = 4_000

numbers = st.integers(-1_000, 2_000)
people = st.integers(0, 1_000)


def noisy(unique: int, scales: tuple[float, ...] = SCALES) -> Part:
    """Return a released number of people."""
    return Part(Count(0, unique), scales)


def signal(identified: int, anonymous: int | None = None, scales: tuple[float, ...] = ()) -> Signal:
    """Return a signal by that many people, and none by machines."""
    part = None if anonymous is None else noisy(anonymous, scales)
    human = engagement_of(Count(identified, identified), part, part and Part(), MANY, MANY)
    return Signal(human, Engagement())


def test_the_combined_number_is_the_sum_with_the_margin_of_the_estimate() -> None:
    """Identified people are exact, so the sum is as uncertain as the anonymous estimate."""
    found = engagement_of(Count(90, 50), noisy(40), Part(Count(70, 0), (8.0,)), ALL, ALL)
    assert found.identified == Count(90, 50)
    assert found.anonymous == Estimate(40, margin(SCALES))
    assert found.combined == Estimate(90, margin(SCALES))
    assert found.aggregate == Estimate(70, margin([8.0]))
    assert found.anonymous_total == 0


def test_the_margin_of_the_combined_number_holds_in_95_percent() -> None:
    """Among many releases of the same campaign, as many as the margin says are that close."""
    identified, anonymous = 300, 200
    draws = [
        engagement_of(Count(0, identified), noisy(first + second), NO_EVENTS, ALL, ALL).combined
        for first, second in zip(
            with_noise([anonymous] * DRAWS, [SCALES[0]] * DRAWS),
            with_noise([0] * DRAWS, [SCALES[1]] * DRAWS),
            strict=True,
        )
    ]
    within = sum(
        draw is not None and abs(draw.value - identified - anonymous) <= draw.margin
        for draw in draws
    )
    # Six standard deviations of the share are 0.02; the margin is an integer, so it may hold more.
    assert 0.93 < within / DRAWS < 0.98


def test_only_the_anonymous_number_cannot_be_told_from_noise() -> None:
    """Few anonymous people drown in noise, but not in the combined number."""
    found = engagement_of(Count(0, 400), noisy(5), NO_EVENTS, ALL, ALL)
    assert found.anonymous == Estimate(5, margin(SCALES), is_noise=True)
    assert found.combined == Estimate(405, margin(SCALES), is_noise=False)
    alone = engagement_of(Count(), noisy(5), NO_EVENTS, ALL, ALL)
    assert alone.combined is not None
    assert alone.combined.is_noise


@given(numbers, numbers, people, people)
def test_estimates_are_possible_and_add_up(
    released: int, events: int, identified: int, messages: int
) -> None:
    """People are between 0 and the messages, and the parts are the sum unless that is more."""
    found = engagement_of(
        Count(identified, identified),
        noisy(released),
        Part(Count(events), SCALES),
        Sent(messages + 10),
        Sent(messages),
    )
    assert found.anonymous is not None
    assert found.aggregate is not None
    assert found.combined is not None
    assert found.anonymous.value == min(max(released, 0), messages)
    assert found.aggregate.value == max(events, 0)
    limit = max(messages + 10, identified)
    assert found.combined.value == min(identified + found.anonymous.value, limit)


def test_exact_numbers_are_shown_as_they_are() -> None:
    """Without noise there is no margin and no limit, and the events of people are known."""
    found = engagement_of(Count(3, 2), Part(Count(9, 4)), Part(Count(7)), Sent(5), Sent(5))
    assert found.anonymous == Estimate(4)
    assert found.anonymous_total == 9
    assert found.aggregate == Estimate(7)
    assert found.combined == Estimate(6)


@pytest.mark.parametrize(("people", "events"), [(None, NO_EVENTS), (NO_EVENTS, None), (None, None)])
def test_nothing_is_estimated_before_a_release(people: Part | None, events: Part | None) -> None:
    """Identified numbers are shown at any time, estimates only if they are released."""
    assert engagement_of(Count(3, 2), people, events, Sent(5), Sent(5)) == Engagement(Count(3, 2))


def test_rates_split_one_denominator() -> None:
    """The shares of identified and anonymous people add up to the rate of all."""
    sent = Sent(total=1_200, off=200)
    rates = rates_of(sent, sent, signal(200, 100, SCALES), signal(50, 10, SCALES))
    reach = margin(SCALES)
    assert rates.open_rate == Rate(0.3, 0.2, 0.1, reach / 1_000)
    assert rates.click_through_rate == Rate(0.06, 0.05, 0.01, reach / 1_000)
    assert rates.click_to_open_rate.combined == pytest.approx(60 / 300)
    assert rates.click_to_open_rate.identified == pytest.approx(50 / 300)
    assert rates.click_to_open_rate.margin == pytest.approx(hypot(reach, 0.2 * reach) / 300)


def test_rates_before_a_release_are_those_of_identified_people() -> None:
    """Rates exist without estimates, and then have no margin."""
    sent = Sent(total=100)
    rates = rates_of(sent, sent, signal(20), signal(5))
    assert rates.open_rate == Rate(0.2, 0.2)
    assert rates.click_to_open_rate == Rate(0.25, 0.25)


def test_rates_of_nothing_are_zero() -> None:
    """Neither a campaign without messages nor one without openers has a rate."""
    nothing = rates_of(Sent(), Sent(), signal(0), signal(0))
    assert (nothing.open_rate, nothing.click_to_open_rate) == (Rate(), Rate())
    off = Sent(total=9, off=9)
    all_off = rates_of(off, off, signal(0, 0, SCALES), signal(0, 0, SCALES))
    assert all_off.open_rate == Rate()


def test_rates_of_opens_and_clicks_have_their_own_messages() -> None:
    """Messages whose opens are OFF count for the rate of clicks, and the other way round."""
    sent, clicks_sent = Sent(total=100, off=60), Sent(total=100, off=20)
    rates = rates_of(sent, clicks_sent, signal(10), signal(8))
    assert rates.open_rate == Rate(10 / 40, 10 / 40)
    assert rates.click_through_rate == Rate(8 / 80, 8 / 80)


@given(people, numbers, people, numbers)
def test_rates_are_shares(openers: int, more: int, clickers: int, others: int) -> None:
    """No rate or margin is below 0 or above 1."""
    sent = Sent(total=1_000)
    rates = rates_of(sent, sent, signal(openers, more, SCALES), signal(clickers, others, SCALES))
    for rate in (rates.open_rate, rates.click_through_rate, rates.click_to_open_rate):
        assert 0 <= rate.combined <= 1
        assert 0 <= rate.margin <= 1
