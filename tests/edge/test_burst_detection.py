"""Detecting several links of one message within a second."""

import fcntl
import multiprocessing
import random
import signal
from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hushpost_edge.behaviour_memory import (
    burst_detector,
    claim_mailbox,
    create_behaviour_memory,
)
from hushpost_edge.burst_detection import BurstDetector
from hushpost_edge.event_reasons import Reason
from hushpost_edge.shared_memory import SharedMemory

from .behaviour import NETWORK, OTHER_NETWORK, TOKEN, Clock, observe, reasons


def test_two_links_within_a_second_are_a_burst(bursts: BurstDetector, clock: Clock) -> None:
    """The second link makes the first one and a recent open part of a burst."""
    assert observe(bursts, TOKEN, NETWORK, 0, 1) is None
    clock.now += 0.1
    assert observe(bursts, TOKEN, NETWORK, 1, 2) is None
    clock.now += 0.5
    assert observe(bursts, TOKEN, NETWORK, 2, 3) == [1, 2]
    assert observe(bursts, TOKEN, NETWORK, 2, 4) == []
    clock.now += 1.0
    assert observe(bursts, TOKEN, NETWORK, 0, 5) == []
    clock.now += 1.1
    assert observe(bursts, TOKEN, NETWORK, 2, 6) is None


def test_a_reader_causes_no_burst(bursts: BurstDetector, clock: Clock) -> None:
    """One link many times, or some links more than a second apart, are no burst."""
    for serial in range(10):
        assert observe(bursts, TOKEN, NETWORK, 1, serial) is None
        clock.now += 0.2
    for link in (2, 4, 5, 6, 9, 3, 7, 8, 9, 1, 2, 4):
        clock.now += 2.01
        assert observe(bursts, TOKEN, NETWORK, link, link) is None
    for link in (5, 6, 7, 8):
        clock.now += 5.01
        assert observe(bursts, TOKEN, NETWORK, link, link) is None


@pytest.mark.parametrize(("first", "unnoticed"), [(1, 2), (2, 3)])
@pytest.mark.parametrize("pause", [1.3, 4.9])
def test_links_in_order_are_a_sweep(
    bursts: BurstDetector, clock: Clock, first: int, unnoticed: int, pause: float
) -> None:
    """A scanner that waits between links is caught at the third or fourth link."""
    corrections = []
    for link in range(first, first + 20):
        corrections.append(observe(bursts, TOKEN, NETWORK, link, link))
        clock.now += pause
    assert corrections[:unnoticed] == [None] * unnoticed
    # The click before can be corrected if it is recent.
    assert corrections[unnoticed] == ([first + unnoticed - 1] if pause < 1.5 else [])
    assert corrections[unnoticed + 1 :] == [[]] * (19 - unnoticed)


def test_a_sweep_makes_later_clicks_a_scanners(bursts: BurstDetector, clock: Clock) -> None:
    """After a sweep, links in any order are the scanner's for some seconds."""
    for link in (1, 2, 3):
        observe(bursts, TOKEN, NETWORK, link, link)
        clock.now += 1.3
    assert observe(bursts, TOKEN, NETWORK, 9, 4) == []
    assert observe(bursts, TOKEN, OTHER_NETWORK, 9, 5) is None
    clock.now += 5.1
    assert observe(bursts, TOKEN, NETWORK, 9, 6) is None


def test_the_trap_link_reveals_clicks(bursts: BurstDetector, clock: Clock) -> None:
    """Recent events of the same token and network and clicks for two minutes are a scanner's."""
    assert observe(bursts, TOKEN, NETWORK, 0, 1) is None
    clock.now += 1.2
    bursts.observe_trap(TOKEN, NETWORK)
    assert observe(bursts, TOKEN, NETWORK, 1, 2) == [1]
    serials = iter(range(3, 99))
    for _ in range(8):
        assert observe(bursts, TOKEN, OTHER_NETWORK, 1, next(serials)) is None
        assert observe(bursts, b"u", NETWORK, 1, next(serials)) is None
        clock.now += 14.5
        # The same link again and again, so that it is no sweep.
        assert observe(bursts, TOKEN, NETWORK, 5, next(serials)) == []
    clock.now += 5.1
    assert observe(bursts, TOKEN, NETWORK, 5, next(serials)) is None


def test_opens_after_the_trap_link(bursts: BurstDetector, clock: Clock) -> None:
    """Opens are a scanner's only while it is at work: the person may read the message soon."""
    bursts.observe_trap(TOKEN, NETWORK)
    assert observe(bursts, TOKEN, NETWORK, 1, 1) == []
    clock.now += 4.0
    assert observe(bursts, TOKEN, NETWORK, 0, 2) == []
    clock.now += 4.0
    assert observe(bursts, TOKEN, NETWORK, 0, 3) is None


def test_only_recent_events_are_corrected(bursts: BurstDetector, clock: Clock) -> None:
    """Events that may be shipped soon do not become part of a burst."""
    assert observe(bursts, TOKEN, NETWORK, 1, 1) is None
    clock.now += 0.8
    assert observe(bursts, TOKEN, NETWORK, 1, 2) is None
    clock.now += 0.8
    assert observe(bursts, TOKEN, NETWORK, 3, 3) == [2]


def test_readers_who_share_a_token_cause_no_burst(bursts: BurstDetector) -> None:
    """Two links from two networks may come from two readers who share an AGGREGATE token."""
    assert observe(bursts, TOKEN, NETWORK, 1, 1) is None
    assert observe(bursts, TOKEN, OTHER_NETWORK, 2, 2) is None
    assert observe(bursts, b"u", NETWORK, 2, 3) is None


def test_workers_share_bursts(bursts: BurstDetector, others: BurstDetector, clock: Clock) -> None:
    """A burst over two workers is found, and each corrects the events that it has recorded."""
    assert observe(bursts, TOKEN, NETWORK, 0, 11) is None
    assert observe(others, TOKEN, NETWORK, 0, 20) is None
    assert observe(others, TOKEN, NETWORK, 1, 21) is None
    assert observe(bursts, TOKEN, NETWORK, 2, 12) == [11]
    assert observe(others, TOKEN, NETWORK, 7, 22) == []
    assert (bursts.receive_corrections(), others.receive_corrections()) == ([], [20, 21])
    clock.now += 1.2
    assert observe(others, TOKEN, NETWORK, 0, 23) is None
    assert others.receive_corrections() == []


def test_workers_share_sweeps_and_traps(
    bursts: BurstDetector, others: BurstDetector, clock: Clock
) -> None:
    """A slow scanner whose connections alternate between workers is found."""
    workers = (bursts, others)
    for link in (1, 2):
        assert observe(workers[link % 2], TOKEN, NETWORK, link, link) is None
        clock.now += 1.3
    assert observe(others, TOKEN, NETWORK, 3, 3) == []
    assert bursts.receive_corrections() == [2]
    others.observe_trap(b"u", NETWORK)
    assert observe(bursts, b"u", NETWORK, 5, 3) == []


def test_a_new_worker_receives_no_corrections_of_an_earlier_one(
    memory: SharedMemory, bursts: BurstDetector, others: BurstDetector, clock: Clock
) -> None:
    """The new one may use the same serial numbers for other events."""
    observe(others, TOKEN, NETWORK, 1, 21)
    observe(others, b"u", NETWORK, 1, 22)
    assert observe(bursts, TOKEN, NETWORK, 2, 11) == []
    clock.now += 0.5
    successor = burst_detector(memory, 2, clock)
    assert observe(bursts, b"u", NETWORK, 2, 12) == []
    assert successor.receive_corrections() == []


def test_many_corrections_are_bounded(bursts: BurstDetector, others: BurstDetector) -> None:
    """A worker that reads no corrections for a while gets the first thousand."""
    for serial in range(1, 2_000):
        observe(others, serial.to_bytes(4), NETWORK, 1, serial)
        observe(bursts, serial.to_bytes(4), NETWORK, 2, serial)
    assert others.receive_corrections() == list(range(1, 1_023))


def test_a_worker_that_stops_delays_no_other(
    memory: SharedMemory, bursts: BurstDetector, clock: Clock
) -> None:
    """While another process holds the lock of an entry, its events are not observed."""
    ready = multiprocessing.Event()

    def lock_all() -> None:
        fcntl.lockf(memory._descriptor or 0, fcntl.LOCK_EX)
        ready.set()
        signal.pause()

    other = multiprocessing.get_context("fork").Process(target=lock_all)
    other.start()
    try:
        assert ready.wait(10)
        assert observe(bursts, TOKEN, NETWORK, 1, 1) is None
        assert observe(bursts, TOKEN, NETWORK, 2, 2) is None
    finally:
        other.kill()
        other.join()
    # The kernel has released its locks.
    assert observe(bursts, TOKEN, NETWORK, 1, 3) is None
    assert observe(bursts, TOKEN, NETWORK, 2, 4) == [3]


def test_workers_share_head_requests(bursts: BurstDetector, others: BurstDetector) -> None:
    """The GET may reach another worker."""
    others.observe_head(TOKEN, NETWORK, 3)
    assert reasons(bursts, (2.0, 3)) == [Reason.HEAD]


OFFICE_CLICKS = 400


def test_an_office_causes_no_burst(
    bursts: BurstDetector, others: BurstDetector, clock: Clock
) -> None:
    """Many people in one network click on links of their own messages, each on a few."""
    chance = random.Random(15)  # noqa: S311 - not for security
    workers = (bursts, others)
    clicks = [
        (person.to_bytes(4), link)
        for person in range(OFFICE_CLICKS)
        for link in chance.sample(range(1, 20), 2)
    ]
    # First links of all, then second ones: 8 seconds apart for each person.
    for serial, (token, link) in enumerate(clicks[::2] + clicks[1::2]):
        clock.now += 0.02
        assert observe(chance.choice(workers), token, NETWORK, link, serial) is None
    assert not bursts.receive_corrections() + others.receive_corrections()


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
    token_of: dict[int, bytes] = {}
    corrected: set[int] = set()
    with closing(create_behaviour_memory(workers=2)) as memory:
        bursts = burst_detector(memory, 1, clock)
        for serial, (link, token, wait) in enumerate(requests, 1):
            clock.now += wait
            corrections = observe(bursts, token, NETWORK, link, serial)
            if corrections is None:
                token_of[serial] = token
            else:
                assert len(corrections) == len(set(corrections))
                assert not corrected & set(corrections)
                assert all(token_of[earlier] == token for earlier in corrections)
                corrected |= set(corrections)


def test_each_worker_has_a_mailbox_of_its_own(memory: SharedMemory) -> None:
    """Until it ends: its successor gets a free one, which may be the same."""
    context = multiprocessing.get_context("fork")
    claimed, ended = context.SimpleQueue(), context.Event()

    def work() -> None:
        claimed.put(claim_mailbox(memory))
        ended.wait(10)

    workers = [context.Process(target=work) for _ in range(3)]
    for worker in workers:
        worker.start()
    assert {claimed.get() for _ in workers} == {1, 2, 3}
    ended.set()
    for worker in workers:
        worker.join()
    assert claim_mailbox(memory) == 1
