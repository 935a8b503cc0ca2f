"""Spool files: batches, corrections and cleanup."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hushpost_client import Verdict
from hushpost_edge.spool import ARRIVAL_EVENTS, BATCH_EVENTS, Spool
from hushpost_edge.spool_files import claimed_spool_file, exclusive_lock
from hushpost_edge.spooled_event import RECORD_BYTES, SpooledEvent, pack, unpack

SECOND = 1_000_000
HOLD = 3 * SECOND  # longer than events are held back


@dataclass
class Clock:
    """A clock that a test sets, in microseconds since 1970."""

    now: int = 1_800_000_000 * SECOND

    def __call__(self) -> int:
        """Return the time."""
        return self.now


@pytest.fixture
def clock() -> Clock:
    """The spool's clock."""
    return Clock()


@pytest.fixture
def spool(tmp_path: Path, clock: Clock) -> Iterator[Spool]:
    """An empty spool."""
    spool = Spool(tmp_path / "1.sqlite", clock)
    yield spool
    spool.close()


def event(number: int, verdict: Verdict = Verdict.HUMAN) -> SpooledEvent:
    """Create an event with a unique token."""
    token = b"\1\0" + number.to_bytes(8) + b"secret-token-" + number.to_bytes(19)
    return SpooledEvent(
        token, number % 7, 1_800_000_000 * SECOND + number, verdict, number % 2 == 0
    )


def append(spool: Spool, first: int, count: int = 1, corrections: tuple[int, ...] = ()) -> None:
    """Append events with serial numbers from `first`."""
    spool.append(first, b"".join(pack(event(first + index)) for index in range(count)), corrections)


@given(
    st.lists(
        st.builds(
            SpooledEvent,
            st.binary(min_size=42, max_size=42),
            st.integers(0, 2**32 - 1),
            st.integers(0, 2**63),
            st.sampled_from(Verdict),
            st.booleans(),
        )
    )
)
def test_events_survive_packing(events: list[SpooledEvent]) -> None:
    """Unpacking returns the packed events; each takes 56 bytes."""
    blob = b"".join(map(pack, events))
    assert len(blob) == RECORD_BYTES * len(events) == 56 * len(events)
    assert list(unpack(blob)) == events


def test_events_are_held_back_for_corrections(spool: Spool, clock: Clock) -> None:
    """Events are due after 2.5 seconds; a batch has them in order."""
    append(spool, 1, 3)
    clock.now += 2 * SECOND
    append(spool, 4, 2)
    assert spool.batch() is None
    clock.now += SECOND
    batch = spool.batch()
    assert batch is not None
    assert batch.events == [event(1), event(2), event(3)]


def test_a_batch_stays_the_same_until_it_is_dropped(
    spool: Spool, clock: Clock, tmp_path: Path
) -> None:
    """A batch does not change after a restart, or when more events are appended."""
    append(spool, 1, 3)
    clock.now += HOLD
    batch = spool.batch()
    append(spool, 4, 100)
    clock.now += HOLD
    reopened = Spool(tmp_path / "1.sqlite", clock)
    assert batch is not None
    assert spool.batch() == batch == reopened.batch()
    reopened.close()
    spool.drop(batch)
    next_batch = spool.batch()
    assert next_batch is not None
    assert next_batch.request_id != batch.request_id
    assert next_batch.events == [event(number) for number in range(4, 104)]


def test_corrections_change_the_verdicts_of_a_batch(spool: Spool, clock: Clock) -> None:
    """An event whose verdict is corrected a second later is shipped as SCANNER."""
    append(spool, 1, 3)
    clock.now += SECOND
    append(spool, 4, 1, (2, 3))
    clock.now += HOLD - SECOND
    batch = spool.batch()
    assert batch is not None
    verdicts = [event.verdict for event in batch.events]
    assert verdicts == [Verdict.HUMAN, Verdict.SCANNER, Verdict.SCANNER]
    spool.drop(batch)
    clock.now += SECOND
    next_batch = spool.batch()
    assert next_batch is not None
    assert [event.verdict for event in next_batch.events] == [Verdict.HUMAN]


def test_batches_and_arrivals_are_bounded(spool: Spool, clock: Clock) -> None:
    """Batches of a large append do not exceed the maximum size."""
    count = BATCH_EVENTS + 2 * ARRIVAL_EVENTS + 1
    append(spool, 1, count)
    clock.now += HOLD
    sizes = []
    while batch := spool.batch():
        sizes.append(len(batch.events))
        spool.drop(batch)
    assert sum(sizes) == count
    assert max(sizes) <= BATCH_EVENTS


def test_a_clock_set_back_does_not_delay_events(spool: Spool, clock: Clock) -> None:
    """Events whose time is far in the future are due at once."""
    append(spool, 1)
    clock.now -= 3_600 * SECOND
    assert spool.batch() is not None


def test_serial_numbers_continue_after_a_restart(
    spool: Spool, clock: Clock, tmp_path: Path
) -> None:
    """The next serial number of a reopened spool is above all existing ones."""
    assert spool.next_serial() == 1
    append(spool, 1, ARRIVAL_EVENTS + 5)
    reopened = Spool(tmp_path / "1.sqlite", clock)
    assert reopened.next_serial() == ARRIVAL_EVENTS + 6
    reopened.close()


def test_shipped_events_leave_no_trace(spool: Spool, clock: Clock, tmp_path: Path) -> None:
    """After a cleanup, neither the file nor its WAL contains a token."""
    append(spool, 1, 3_000)
    clock.now += HOLD
    files = list(tmp_path.iterdir())
    assert any(b"secret-token-" in file.read_bytes() for file in files)
    while batch := spool.batch():
        spool.drop(batch)
    spool.clean_up()
    for file in tmp_path.iterdir():
        assert b"secret-token-" not in file.read_bytes(), file


def test_an_empty_spool_is_shrunk(spool: Spool, clock: Clock, tmp_path: Path) -> None:
    """A file that grew during an outage is small after a cleanup."""
    append(spool, 1, 400_000)
    used = spool.used_bytes()
    assert used > 400_000 * RECORD_BYTES
    clock.now += HOLD
    while batch := spool.batch():
        spool.drop(batch)
    assert spool.used_bytes() < used / 100
    spool.clean_up()
    assert (tmp_path / "1.sqlite").stat().st_size < 1 << 16


def test_each_worker_claims_its_own_file(tmp_path: Path) -> None:
    """A worker claims the first free file, and releases it when it ends."""
    with claimed_spool_file(tmp_path) as one:
        with claimed_spool_file(tmp_path) as other:
            assert (one.name, other.name) == ("1.sqlite", "2.sqlite")
        with claimed_spool_file(tmp_path) as other:
            assert other.name == "2.sqlite"
    with claimed_spool_file(tmp_path) as one, exclusive_lock(tmp_path / "1.lock") as is_locked:
        assert one.name == "1.sqlite"
        assert not is_locked
