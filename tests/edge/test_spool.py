"""A spool file."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hushpost_client import Verdict
from hushpost_edge.record import RECORD_BYTES, SpooledEvent, pack, unpack
from hushpost_edge.spool import ARRIVAL_EVENTS, BATCH_EVENTS, Spool
from hushpost_edge.spool_files import held, own_spool

SECOND = 1_000_000
RIPE = 3 * SECOND


@dataclass
class Clock:
    """A clock that stands still unless told; microseconds since 1970."""

    now: int = 1_800_000_000 * SECOND

    def __call__(self) -> int:
        """Answer the time."""
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
    """An event with a token of its own."""
    token = b"\1\0" + number.to_bytes(8) + b"secret-token-" + number.to_bytes(19)
    return SpooledEvent(
        token, number % 7, 1_800_000_000 * SECOND + number, verdict, number % 2 == 0
    )


def append(spool: Spool, first: int, count: int = 1, corrections: tuple[int, ...] = ()) -> None:
    """Append events with serial numbers from `first`."""
    spool.append(first, b"".join(pack(event(first + place)) for place in range(count)), corrections)


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
def test_records_come_back(events: list[SpooledEvent]) -> None:
    """An event is the same after the disk as before, at 56 bytes each."""
    blob = b"".join(map(pack, events))
    assert len(blob) == RECORD_BYTES * len(events) == 56 * len(events)
    assert list(unpack(blob)) == events


def test_events_are_held_until_no_correction_can_reach_them(spool: Spool, clock: Clock) -> None:
    """A batch waits for two and a half seconds, then has all events in order."""
    append(spool, 1, 3)
    clock.now += 2 * SECOND
    append(spool, 4, 2)
    assert spool.batch() is None
    clock.now += SECOND
    batch = spool.batch()
    assert batch is not None
    assert batch.events == [event(1), event(2), event(3)]


def test_a_batch_is_the_same_however_often_it_is_asked_for(
    spool: Spool, clock: Clock, tmp_path: Path
) -> None:
    """Until it is dropped: also after a restart, and with more events behind it."""
    append(spool, 1, 3)
    clock.now += RIPE
    batch = spool.batch()
    append(spool, 4, 100)
    clock.now += RIPE
    again = Spool(tmp_path / "1.sqlite", clock)
    assert batch is not None
    assert spool.batch() == batch == again.batch()
    again.close()
    spool.drop(batch)
    following = spool.batch()
    assert following is not None
    assert following.request_id != batch.request_id
    assert following.events == [event(number) for number in range(4, 104)]


def test_corrections_reach_events_of_the_batch(spool: Spool, clock: Clock) -> None:
    """An event that turned out to be a scanner's a second later is shipped as one."""
    append(spool, 1, 3)
    clock.now += SECOND
    append(spool, 4, 1, (2, 3))
    clock.now += RIPE - SECOND
    batch = spool.batch()
    assert batch is not None
    verdicts = [each.verdict for each in batch.events]
    assert verdicts == [Verdict.HUMAN, Verdict.SCANNER, Verdict.SCANNER]
    spool.drop(batch)
    clock.now += SECOND
    rest = spool.batch()
    assert rest is not None
    assert [each.verdict for each in rest.events] == [Verdict.HUMAN]


def test_batches_and_arrivals_are_bounded(spool: Spool, clock: Clock) -> None:
    """However much comes at once, calls stay within what the authority takes."""
    count = BATCH_EVENTS + 2 * ARRIVAL_EVENTS + 1
    append(spool, 1, count)
    clock.now += RIPE
    sizes = []
    while batch := spool.batch():
        sizes.append(len(batch.events))
        spool.drop(batch)
    assert sum(sizes) == count
    assert max(sizes) <= BATCH_EVENTS


def test_a_clock_that_was_set_back_holds_nothing_up(spool: Spool, clock: Clock) -> None:
    """Events of the future are shipped, not held until it comes."""
    append(spool, 1)
    clock.now -= 3_600 * SECOND
    assert spool.batch() is not None


def test_serial_numbers_go_on_after_a_restart(spool: Spool, clock: Clock, tmp_path: Path) -> None:
    """A worker goes on where the one before it stopped, so that nothing is overwritten."""
    assert spool.next_serial() == 1
    append(spool, 1, ARRIVAL_EVENTS + 5)
    again = Spool(tmp_path / "1.sqlite", clock)
    assert again.next_serial() == ARRIVAL_EVENTS + 6
    again.close()


def test_nothing_is_left_of_what_was_shipped(spool: Spool, clock: Clock, tmp_path: Path) -> None:
    """After tidying, no byte of a token is in the file or its log."""
    append(spool, 1, 3_000)
    clock.now += RIPE
    files = list(tmp_path.iterdir())
    assert any(b"secret-token-" in file.read_bytes() for file in files)
    while batch := spool.batch():
        spool.drop(batch)
    spool.tidy()
    for file in tmp_path.iterdir():
        assert b"secret-token-" not in file.read_bytes(), file


def test_an_empty_spool_gives_its_space_back(spool: Spool, clock: Clock, tmp_path: Path) -> None:
    """A file that grew during an outage is small again after it."""
    append(spool, 1, 400_000)
    used = spool.used_bytes()
    assert used > 400_000 * RECORD_BYTES
    clock.now += RIPE
    while batch := spool.batch():
        spool.drop(batch)
    assert spool.used_bytes() < used / 100
    spool.tidy()
    assert (tmp_path / "1.sqlite").stat().st_size < 1 << 16


def test_each_worker_has_a_file_of_its_own(tmp_path: Path) -> None:
    """The first free file is taken, and free again when its holder has ended."""
    with own_spool(tmp_path) as one:
        with own_spool(tmp_path) as other:
            assert (one.name, other.name) == ("1.sqlite", "2.sqlite")
        with own_spool(tmp_path) as other:
            assert other.name == "2.sqlite"
    with own_spool(tmp_path) as one, held(tmp_path / "1.lock") as is_ours:
        assert one.name == "1.sqlite"
        assert not is_ours
