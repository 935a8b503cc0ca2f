"""Finding scanners by HEAD requests, slow sweeps and coverage."""

import pytest

from hushpost_edge.behaviour_memory import burst_detector
from hushpost_edge.burst_detection import BurstDetector, Observation
from hushpost_edge.event_reasons import Reason
from hushpost_edge.shared_memory import SharedMemory

from .behaviour import NETWORK, OTHER_NETWORK, TOKEN, Clock, reasons


def test_a_get_after_a_head_is_a_scanners(bursts: BurstDetector, clock: Clock) -> None:
    """Also if all HEAD requests come first. Browsers make no HEAD request for a link."""
    for link in (2, 4, 6, 8):
        bursts.observe_head(TOKEN, NETWORK, link)
        clock.now += 1.3
    found = reasons(bursts, (0, 2), (6, 4), (6, 6), (6, 8))
    assert found == [Reason.HEAD] * 4
    assert reasons(bursts, (6, 2), (6, 8)) == [None, None]


def test_a_head_says_nothing_of_other_clicks(bursts: BurstDetector, clock: Clock) -> None:
    """Of another link, token or network, or half a minute later."""
    bursts.observe_head(TOKEN, NETWORK, 1)
    bursts.observe_head(TOKEN, OTHER_NETWORK, 5)
    bursts.observe_head(b"u", NETWORK, 5)
    assert reasons(bursts, (5, 5)) == [None]
    bursts.observe_head(TOKEN, NETWORK, 2)
    assert reasons(bursts, (30.1, 2)) == [None]
    # The HEAD of the first link is not renewed by one of another link.
    bursts.observe_head(TOKEN, NETWORK, 9)
    assert reasons(bursts, (3, 1)) == [None]


@pytest.mark.parametrize(("first", "unnoticed"), [(1, 4), (4, 5)])
def test_slow_scanners_are_found(bursts: BurstDetector, first: int, unnoticed: int) -> None:
    """Those that follow the links in order with up to a minute between them."""
    found = reasons(bursts, *((20.0, link) for link in range(first, first + 12)))
    assert found == [None] * unnoticed + [Reason.SLOW_SWEEP] * (12 - unnoticed)


def test_scanners_in_any_order_are_found(bursts: BurstDetector) -> None:
    """From the fourth link on, if the pauses are shorter than a person takes to choose a link."""
    found = reasons(bursts, *((1.3, link) for link in (7, 2, 9, 9, 4, 1, 8)))
    assert found == [None] * 4 + [Reason.COVERAGE] * 3


def test_readers_of_digests_are_no_scanners(bursts: BurstDetector) -> None:
    """They open every link that interests them, downwards, and come back to some."""
    pauses = (9.0, 4.0, 25.0, 3.0, 2.5, 40.0, 2.2)
    links = (1, 2, 3, 6, 7, 9, 12, 13, 14, 17, 12, 6, 7, 8)
    clicks = [(pauses[index % len(pauses)], link) for index, link in enumerate(links)]
    assert reasons(bursts, *clicks) == [None] * len(links)


def test_in_the_shadow_rules_on_trial_change_nothing(memory: SharedMemory, clock: Clock) -> None:
    """They are reported, and the other rules decide as if they did not exist."""
    bursts = burst_detector(memory, 1, clock, shadow=True)
    bursts.observe_head(TOKEN, NETWORK, 9)
    assert bursts.observe(TOKEN, NETWORK, 9, 1) == Observation(None, Reason.HEAD)
    clock.now += 0.5
    assert bursts.observe(TOKEN, NETWORK, 4, 2) == Observation(Reason.BURST, None, [1])


def test_in_the_shadow_slow_scanners_are_only_reported(memory: SharedMemory, clock: Clock) -> None:
    """With the rule that would have found them."""
    bursts = burst_detector(memory, 1, clock, shadow=True)
    for link in range(1, 8):
        clock.now += 20.0
        rule = Reason.SLOW_SWEEP if link >= 5 else None
        assert bursts.observe(TOKEN, NETWORK, link, link) == Observation(None, rule)
