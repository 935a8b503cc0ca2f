"""Detecting several links of one message within a second."""

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hushpost_edge.burst_detection import BurstDetector

TOKEN, NETWORK, OTHER_NETWORK = b"t", "192.0.2", "198.51.100"


@dataclass
class Clock:
    """A clock that a test sets, in seconds."""

    now: float = 100.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


def test_two_links_within_a_second_are_a_burst() -> None:
    """The second link makes the first one and a recent open part of a burst."""
    clock = Clock()
    bursts = BurstDetector(clock)
    assert bursts.observe(TOKEN, NETWORK, 0, 1) is None
    clock.now += 0.1
    assert bursts.observe(TOKEN, NETWORK, 1, 2) is None
    clock.now += 0.5
    assert bursts.observe(TOKEN, NETWORK, 2, 3) == [1, 2]
    assert bursts.observe(TOKEN, NETWORK, 2, 4) == []
    clock.now += 1.0
    assert bursts.observe(TOKEN, NETWORK, 0, 5) == []
    clock.now += 1.1
    assert bursts.observe(TOKEN, NETWORK, 2, 6) is None


def test_a_reader_causes_no_burst() -> None:
    """One link many times, or some links more than a second apart, are no burst."""
    clock = Clock()
    bursts = BurstDetector(clock)
    for serial in range(10):
        assert bursts.observe(TOKEN, NETWORK, 1, serial) is None
        clock.now += 0.2
    for link in (2, 4, 5, 6, 9, 3, 7, 8, 9, 1, 2, 4):
        clock.now += 1.01
        assert bursts.observe(TOKEN, NETWORK, link, link) is None
    for link in (5, 6, 7, 8):
        clock.now += 5.01
        assert bursts.observe(TOKEN, NETWORK, link, link) is None


@pytest.mark.parametrize(("first", "unnoticed"), [(1, 2), (2, 3)])
@pytest.mark.parametrize("pause", [1.3, 4.9])
def test_links_in_order_are_a_sweep(first: int, unnoticed: int, pause: float) -> None:
    """A scanner that waits between links is caught at the third or fourth link."""
    clock = Clock()
    bursts = BurstDetector(clock)
    corrections = []
    for link in range(first, first + 20):
        corrections.append(bursts.observe(TOKEN, NETWORK, link, link))
        clock.now += pause
    assert corrections[:unnoticed] == [None] * unnoticed
    # The click before can be corrected if it is recent.
    assert corrections[unnoticed] == ([first + unnoticed - 1] if pause < 1.5 else [])
    assert corrections[unnoticed + 1 :] == [[]] * (19 - unnoticed)


def test_a_sweep_makes_later_clicks_a_scanners() -> None:
    """After a sweep, links in any order are the scanner's for some seconds."""
    clock = Clock()
    bursts = BurstDetector(clock)
    for link in (1, 2, 3):
        bursts.observe(TOKEN, NETWORK, link, link)
        clock.now += 1.3
    assert bursts.observe(TOKEN, NETWORK, 9, 4) == []
    assert bursts.observe(TOKEN, OTHER_NETWORK, 9, 5) is None
    clock.now += 5.1
    assert bursts.observe(TOKEN, NETWORK, 9, 6) is None


def test_the_trap_link_reveals_clicks() -> None:
    """Recent events of the same token and network and clicks for two minutes are a scanner's."""
    clock = Clock()
    bursts = BurstDetector(clock)
    assert bursts.observe(TOKEN, NETWORK, 0, 1) is None
    clock.now += 1.2
    bursts.observe_trap(TOKEN, NETWORK)
    assert bursts.observe(TOKEN, NETWORK, 1, 2) == [1]
    serials = iter(range(3, 99))
    for _ in range(8):
        assert bursts.observe(TOKEN, OTHER_NETWORK, 1, next(serials)) is None
        assert bursts.observe(b"u", NETWORK, 1, next(serials)) is None
        clock.now += 14.5
        # The same link again and again, so that it is no sweep.
        assert bursts.observe(TOKEN, NETWORK, 5, next(serials)) == []
    clock.now += 5.1
    assert bursts.observe(TOKEN, NETWORK, 5, next(serials)) is None


def test_opens_after_the_trap_link() -> None:
    """Opens are a scanner's only while it is at work: the person may read the message soon."""
    clock = Clock()
    bursts = BurstDetector(clock)
    bursts.observe_trap(TOKEN, NETWORK)
    assert bursts.observe(TOKEN, NETWORK, 1, 1) == []
    clock.now += 4.0
    assert bursts.observe(TOKEN, NETWORK, 0, 2) == []
    clock.now += 4.0
    assert bursts.observe(TOKEN, NETWORK, 0, 3) is None


def test_only_recent_events_are_corrected() -> None:
    """Events that may be shipped soon do not become part of a burst."""
    clock = Clock()
    bursts = BurstDetector(clock)
    assert bursts.observe(TOKEN, NETWORK, 1, 1) is None
    clock.now += 0.8
    assert bursts.observe(TOKEN, NETWORK, 1, 2) is None
    clock.now += 0.8
    assert bursts.observe(TOKEN, NETWORK, 3, 3) == [2]


def test_readers_who_share_a_token_cause_no_burst() -> None:
    """Two links from two networks may come from two readers who share an AGGREGATE token."""
    bursts = BurstDetector(Clock())
    assert bursts.observe(TOKEN, NETWORK, 1, 1) is None
    assert bursts.observe(TOKEN, OTHER_NETWORK, 2, 2) is None
    assert bursts.observe(b"u", NETWORK, 2, 3) is None


@given(
    st.lists(
        st.tuples(
            st.integers(0, 3), st.sampled_from([b"t", b"u"]), st.floats(0, 0.6, allow_nan=False)
        ),
        max_size=40,
    )
)
def test_no_event_is_corrected_twice(requests: list[tuple[int, bytes, float]]) -> None:
    """Corrections contain earlier events of the same token, each at most once."""
    clock = Clock()
    bursts = BurstDetector(clock)
    token_of: dict[int, bytes] = {}
    corrected: set[int] = set()
    for serial, (link, token, wait) in enumerate(requests, 1):
        clock.now += wait
        corrections = bursts.observe(token, NETWORK, link, serial)
        if corrections is None:
            token_of[serial] = token
        else:
            assert len(corrections) == len(set(corrections))
            assert not corrected & set(corrections)
            assert all(token_of[earlier] == token for earlier in corrections)
            corrected |= set(corrections)


def test_memory_is_bounded() -> None:
    """At most two generations of `max_entries` entries are kept."""
    bursts = BurstDetector(Clock(), max_entries=100)
    for number in range(10_000):
        bursts.observe(number.to_bytes(4), NETWORK, 1, number)
        bursts.observe_trap(number.to_bytes(4), NETWORK)
    assert len(bursts._activities) <= 200
    assert len(bursts._trapped) <= 200
