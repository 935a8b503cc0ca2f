"""Spool files: batches, corrections and cleanup."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hushpost_client import Verdict
from hushpost_edge.spool import ARRIVAL_EVENTS, BATCH_EVENTS, Spool
from hushpost_edge.spool_cipher import SpoolCipher, SpoolKey
from hushpost_edge.spool_files import claimed_spool_file, exclusive_lock
from hushpost_edge.spooled_event import RECORD_BYTES, SpooledEvent, pack, unpack

from .ciphers import CIPHER, PlainCipher

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
    spool = Spool(tmp_path / "1.sqlite", clock, CIPHER)
    yield spool
    spool.close()


def event(number: int, verdict: Verdict = Verdict.HUMAN) -> SpooledEvent:
    """Create an event with a unique token."""
    token = b"\1\0" + number.to_bytes(8) + b"secret-token-" + number.to_bytes(19)
    return SpooledEvent(
        token,
        number % 7,
        1_800_000_000 * SECOND + number,
        verdict,
        privacy_signal=number % 2 == 0,
        repeated=number % 3 == 0,
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
    reopened = Spool(tmp_path / "1.sqlite", clock, CIPHER)
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
    reopened = Spool(tmp_path / "1.sqlite", clock, CIPHER)
    assert reopened.next_serial() == ARRIVAL_EVENTS + 6
    reopened.close()


@pytest.mark.parametrize(
    ("cipher", "is_found"), [(CIPHER, False), (PlainCipher(), True)], ids=["", "control"]
)
def test_no_file_contains_a_token(
    tmp_path: Path, clock: Clock, cipher: SpoolCipher, *, is_found: bool
) -> None:
    """Neither the spool nor its WAL, while events wait, are sent, and are in quarantine."""
    spool = Spool(tmp_path / "1.sqlite", clock, cipher)
    append(spool, 1, 3_000)
    assert finds_a_token(tmp_path) is is_found
    clock.now += HOLD
    batch = spool.batch()
    assert batch is not None
    spool.drop(batch, {7: "CAMPAIGN_NOT_FOUND", 8: "LINK_NOT_FOUND"}, 1 << 20)
    spool.clean_up()
    assert finds_a_token(tmp_path) is is_found
    retry = spool.quarantine.retry(0, spool.quarantine.last_row())
    assert retry is not None
    assert retry.events == [event(8), event(9)]
    spool.quarantine.settle(retry, {0: "LINK_NOT_FOUND"})
    assert finds_a_token(tmp_path) is is_found
    spool.close()


def finds_a_token(folder: Path) -> bool:
    """Return whether any file contains a part of a token."""
    return any(b"secret-token-" in file.read_bytes() for file in folder.iterdir())


def test_shipped_events_leave_no_trace(tmp_path: Path, clock: Clock) -> None:
    """After a cleanup, what was written is gone, so that no key can reveal it later."""
    spool = Spool(tmp_path / "1.sqlite", clock, PlainCipher())
    append(spool, 1, 3_000)
    clock.now += HOLD
    assert finds_a_token(tmp_path)
    while batch := spool.batch():
        spool.drop(batch)
    spool.clean_up()
    assert not finds_a_token(tmp_path)
    spool.close()


def test_events_of_a_lost_key_are_given_up(spool: Spool, clock: Clock, tmp_path: Path) -> None:
    """They are left out of the batch, counted, and deleted with it; others are shipped."""
    append(spool, 1, 3)
    other = Spool(tmp_path / "1.sqlite", clock, SpoolCipher(SpoolKey.generate()))
    append(other, 4, 2)
    append(spool, 6, 1)
    clock.now += HOLD
    batch = spool.batch()
    assert batch is not None
    assert (batch.events, batch.unreadable) == ([event(1), event(2), event(3), event(6)], 2)
    spool.drop(batch)
    assert spool.batch() is None
    assert other.batch() is None
    other.close()


def test_a_key_is_in_use_until_its_events_are_gone(
    spool: Spool, clock: Clock, tmp_path: Path
) -> None:
    """Events that wait, and events in quarantine, need their key."""
    key = SpoolKey.generate()
    other = Spool(tmp_path / "1.sqlite", clock, SpoolCipher(key))
    append(other, 1, 3)
    assert spool.uses_key(key.id)
    clock.now += HOLD
    batch = other.batch()
    assert batch is not None
    other.drop(batch, {1: "LINK_NOT_FOUND"}, 1 << 20)
    assert spool.uses_key(key.id)
    retry = other.quarantine.retry(0, 1)
    assert retry is not None
    other.quarantine.settle(retry, {})
    assert not spool.uses_key(key.id)
    other.close()


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


def test_a_checkpoint_needs_little_space(spool: Spool, tmp_path: Path) -> None:
    """The file grows before the log has more pages for it than the reserve has room for."""
    for first in range(1, 20_000, ARRIVAL_EVENTS):
        append(spool, first, ARRIVAL_EVENTS)
        spool.limit_growth()
        assert spool.used_bytes() - (tmp_path / "1.sqlite").stat().st_size < 1 << 20


def test_workers_that_start_do_not_disturb_others(spool: Spool, tmp_path: Path) -> None:
    """They share the reserve, and each makes sure that it is there."""

    def start(number: int) -> None:
        other = Spool(tmp_path / f"{number}.sqlite", Clock(), CIPHER)
        assert other.has_room()
        other.close()

    with ThreadPoolExecutor(4) as pool:
        started = [pool.submit(start, 2 + number % 4) for number in range(40)]
        for first in range(1, 400):
            append(spool, first)
    for each in started:
        each.result()
