"""What events add up to."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hushpost_service.column_tally import ColumnTally
from hushpost_service.events import Event, joined
from hushpost_service.policy import Mode
from hushpost_service.tally import (
    CHUNK_SLOTS,
    FOLDED,
    EventRows,
    Fold,
    SlotKey,
    Taken,
    Tally,
    has_slot,
    slot_bits,
)
from hushpost_service.verdict import Verdict

HOUR = 3600 * 1_000_000

events = st.builds(
    Event,
    campaign=st.integers(1, 2),
    contact=st.integers(1, 5),
    group=st.integers(1, 2),
    slot=st.sampled_from([0, 1, 4095, 4096, 8191]),
    signal=st.integers(0, 2),
    verdict=st.sampled_from([int(verdict) for verdict in Verdict]),
    time=st.integers(0, 4 * HOUR),
    privacy_signal=st.just(value=False),
    created=st.just(0),
)
batches = st.lists(st.tuples(events, st.sampled_from(Mode)), max_size=40)


Tallied = Callable[[list[tuple[Event, Mode]]], Tally | ColumnTally]


def in_columns(batch: list[tuple[Event, Mode]]) -> ColumnTally:
    """Add a batch up in columns."""
    events = joined([np.empty((0, len(Event._fields)), np.int64), [event for event, _ in batch]])
    return ColumnTally(events, np.array([mode for _, mode in batch], np.int64))


both = pytest.mark.parametrize("tallied", [Tally, in_columns], ids=["one-by-one", "in-columns"])


def listed(rows: EventRows) -> list[tuple[int, int, int, int, int, int, int, bool]]:
    """Return rows as tuples."""
    return list(zip(*(np.asarray(column).tolist() for column in rows), strict=True))


def slots(by_key: Mapping[SlotKey, bytes]) -> set[tuple[object, ...]]:
    """Return (…, slot) of every slot."""
    return {
        (*key[:5], key[5] * CHUNK_SLOTS + slot)
        for key, bits in by_key.items()
        for slot in range(CHUNK_SLOTS)
        if has_slot(bits, slot)
    }


def folded(by_key: Mapping[SlotKey, Iterable[int]]) -> set[tuple[object, ...]]:
    """Return (…, slot) of every slot, having checked that it stands in its chunk."""
    assert all(slot // CHUNK_SLOTS == key[5] for key, found in by_key.items() for slot in found)
    return {(*key[:5], slot) for key, found in by_key.items() for slot in found}


@given(st.sets(st.integers(0, CHUNK_SLOTS - 1), max_size=50), st.integers(0, 9))
def test_bits_hold_the_slots_of_a_chunk(positions: set[int], chunk: int) -> None:
    """A slot is in the bits exactly when it was put there, whatever its chunk."""
    bits = slot_bits(chunk * CHUNK_SLOTS + position for position in positions)
    assert len(bits) == CHUNK_SLOTS // 8
    assert {slot for slot in range(CHUNK_SLOTS) if has_slot(bits, slot)} == positions


@both
@given(batches)
def test_every_event_is_counted_once_in_its_mode(
    tallied: Tallied, batch: list[tuple[Event, Mode]]
) -> None:
    """Counters add up to the events that are not OFF, by hour only where identified."""
    expected = Counter(
        (
            event.campaign,
            event.group,
            event.signal,
            Verdict(event.verdict).is_machine,
            int(mode),
            event.time // HOUR if mode is Mode.IDENTIFIED else 0,
        )
        for event, mode in batch
        if mode is not Mode.OFF
    )
    assert tallied(batch).counts == expected


@both
@given(batches)
def test_slots_are_marked_where_people_can_be_told_apart(
    tallied: Tallied,
    batch: list[tuple[Event, Mode]],
) -> None:
    """IDENTIFIED and ANONYMOUS events mark their slot, AGGREGATE and OFF ones none."""
    expected = {
        (e.campaign, e.group, e.signal, Verdict(e.verdict).is_machine, int(mode), e.slot)
        for e, mode in batch
        if mode in (Mode.IDENTIFIED, Mode.ANONYMOUS)
    }
    assert slots(tallied(batch).slots) == expected


@both
@given(batches)
def test_only_identified_events_leave_rows(
    tallied: Tallied, batch: list[tuple[Event, Mode]]
) -> None:
    """Rows name contacts of IDENTIFIED events and of no others."""
    rows = listed(tallied(batch).rows({}))
    expected = Counter(
        (event.contact, event.slot, event.signal)
        for event, mode in batch
        if mode is Mode.IDENTIFIED
    )
    assert (
        Counter((contact, slot, signal) for _, contact, _, _, slot, signal, _, _ in rows)
        == expected
    )


@both
@given(batches, batches)
def test_the_first_event_of_a_slot_is_marked_once(
    tallied: Tallied, before: list[tuple[Event, Mode]], batch: list[tuple[Event, Mode]]
) -> None:
    """Over two commits each identified slot and signal has one first event, the earliest in its commit."""
    earlier = tallied(before)
    first = [row for row in listed(earlier.rows({})) if row[-1]]
    later = tallied(batch)
    first += [row for row in listed(later.rows(earlier.slots)) if row[-1]]
    places = [
        (campaign, group, signal, Verdict(verdict).is_machine, int(Mode.IDENTIFIED), slot)
        for campaign, _, _, group, slot, signal, verdict, _ in first
    ]
    seen = slots(earlier.slots) | slots(later.slots)
    assert sorted(places) == sorted(key for key in seen if key[4] == Mode.IDENTIFIED)
    assert sum(earlier.first.values()) + sum(later.first.values()) == len(first)


def taken(rows: EventRows) -> list[Taken]:
    """Return rows as they are taken out: so many of each kind."""
    events: Counter[tuple[int, int, int, int, int, int]] = Counter()
    first: Counter[tuple[int, int, int, int, int, int]] = Counter()
    for campaign, _, time, group, slot, signal, verdict, is_first in listed(rows):
        kind = (campaign, group, slot, signal, verdict, time // 3_600_000_000)
        events[kind] += 1
        first[kind] += is_first
    return [(*kind, count, first[kind]) for kind, count in events.items()]


@both
@given(batches)
def test_folding_takes_back_what_was_counted(
    tallied: Tallied, batch: list[tuple[Event, Mode]]
) -> None:
    """Folding all rows of a batch leaves identified numbers at zero and moves their slots."""
    identified = [(event, Mode.IDENTIFIED) for event, _ in batch]
    tally = tallied(identified)
    rows = tally.rows({})
    fold = Fold.of_events(taken(rows), Mode.ANONYMOUS)

    left = Counter(tally.counts)
    left.update(fold.counts)
    assert not any(count for key, count in left.items() if key[4] == Mode.IDENTIFIED)
    first = Counter(tally.first)
    first.update(fold.first)
    assert not any(first.values())
    assert folded(fold.cleared) == slots(tally.slots)
    assert folded(fold.marked) == {
        (*key[:4], FOLDED + Mode.ANONYMOUS, key[5]) for key in slots(tally.slots)
    }


@both
@given(batches)
def test_folding_into_totals_marks_no_slot(
    tallied: Tallied, batch: list[tuple[Event, Mode]]
) -> None:
    """Into AGGREGATE events move, people do not."""
    rows = tallied([(event, Mode.IDENTIFIED) for event, _ in batch]).rows({})
    fold = Fold.of_events(taken(rows), Mode.AGGREGATE)
    assert not fold.marked
    assert sum(n for key, n in fold.counts.items() if key[4] == FOLDED + Mode.AGGREGATE) == len(
        rows.time
    )
