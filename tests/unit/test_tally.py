"""The sums of the events of a commit, by both implementations of the tally."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hushpost_service.domain.counters import (
    ANONYMIZED,
    CLICK_CHUNK_SLOTS,
    HOUR,
    NO_EVENTS,
    OPEN_CHUNK_SLOTS,
    CounterKey,
    EventColumns,
    SlotKey,
    chunk_slots,
    has_slot,
    slot_bits,
)
from hushpost_service.domain.events import Event, EventGroup, joined
from hushpost_service.domain.modes import Mode
from hushpost_service.domain.verdicts import Verdict
from hushpost_service.preferences.anonymized_counts import AnonymizedCounts
from hushpost_service.tracking.tally import ColumnarTally, ScalarTally

events = st.builds(
    Event,
    campaign=st.integers(1, 2),
    contact=st.integers(1, 5),
    group=st.integers(1, 2),
    slot=st.sampled_from([0, 1, 4095, 4096, 8191, 16_383, 16_384]),
    purpose=st.integers(0, 2),
    signal=st.integers(0, 2),
    verdict=st.sampled_from([int(verdict) for verdict in Verdict]),
    time=st.integers(0, 4 * HOUR),
    privacy_signal=st.just(value=False),
    repeated=st.just(value=False),
    created=st.just(0),
)
batches = st.lists(st.tuples(events, st.sampled_from(Mode)), max_size=40)


class ScalarAsColumnar:
    """A `ScalarTally` with the attributes of a `ColumnarTally`.

    It decides which events are first; `tests/sql/test_single_events.py` checks that the database does
    the same.
    """

    def __init__(self, batch: list[tuple[Event, Mode]]) -> None:
        """Add up events."""
        self._tally = ScalarTally(batch)
        self.counts = self._tally.counts
        by_key: defaultdict[SlotKey, list[int]] = defaultdict(list)
        for campaign, group, signal, machine, mode, slot, *_ in self._tally.events:
            if mode in (Mode.IDENTIFIED, Mode.ANONYMOUS):
                chunk = slot // chunk_slots(signal)
                by_key[campaign, group, signal, machine, mode, chunk].append(slot)
        self.slots = {key: slot_bits(key[2], slots) for key, slots in by_key.items()}

    def identified(
        self, marked: Mapping[SlotKey, bytes]
    ) -> tuple[EventColumns, dict[CounterKey, int]]:
        """Return the identified events, and how many of each counter are first events."""
        rows = []
        first: Counter[CounterKey] = Counter()
        seen = set()
        for event in self._tally.events:
            campaign, group, signal, machine, mode, slot, time, contact, verdict = event
            if mode != Mode.IDENTIFIED:
                assert (time, contact, verdict) == (0, 0, 0)
                continue
            bits = marked.get((campaign, group, signal, machine, mode, slot // chunk_slots(signal)))
            is_first = event[:6] not in seen and not (bits and has_slot(bits, slot))
            seen.add(event[:6])
            if is_first:
                first[campaign, group, signal, machine, mode, time // HOUR] += 1
            rows.append((campaign, contact, time, group, slot, signal, verdict, is_first))
        return EventColumns(*zip(*rows, strict=True)) if rows else NO_EVENTS, first


MakeTally = Callable[[list[tuple[Event, Mode]]], ScalarAsColumnar | ColumnarTally]


def columnar_tally(batch: list[tuple[Event, Mode]]) -> ColumnarTally:
    """Return the columnar tally of a batch."""
    events = joined([np.empty((0, len(Event._fields)), np.int64), [event for event, _ in batch]])
    return ColumnarTally(events, np.array([mode for _, mode in batch], np.int64))


both_tallies = pytest.mark.parametrize(
    "make_tally", [ScalarAsColumnar, columnar_tally], ids=["scalar", "columnar"]
)


def as_rows(columns: EventColumns) -> list[tuple[int, int, int, int, int, int, int, bool]]:
    """Return columns as a list of rows."""
    return list(zip(*(np.asarray(column).tolist() for column in columns), strict=True))


def marked_slots(by_key: Mapping[SlotKey, bytes]) -> set[tuple[object, ...]]:
    """Return the key of every marked slot, with the slot in place of its chunk."""
    return {
        (*key[:5], key[5] * len(bits) * 8 + slot)
        for key, bits in by_key.items()
        for slot in range(len(bits) * 8)
        if has_slot(bits, slot)
    }


def slots_by_key(by_key: Mapping[SlotKey, Iterable[int]]) -> set[tuple[object, ...]]:
    """Return the key of every slot, with the slot in place of its chunk, after checking that each slot is in its chunk."""
    assert all(
        slot // chunk_slots(key[2]) == key[5] for key, found in by_key.items() for slot in found
    )
    return {(*key[:5], slot) for key, found in by_key.items() for slot in found}


@settings(deadline=None)
@given(
    st.sampled_from([(0, OPEN_CHUNK_SLOTS), (1, CLICK_CHUNK_SLOTS), (7, CLICK_CHUNK_SLOTS)]),
    st.sets(st.integers(0, OPEN_CHUNK_SLOTS - 1), max_size=50),
    st.integers(0, 9),
)
def test_a_bitmap_holds_exactly_the_slots_it_was_made_of(
    signal_and_size: tuple[int, int], positions: set[int], chunk: int
) -> None:
    """A bitmap has the bits of its slots and no others, in every chunk."""
    signal, size = signal_and_size
    bits = slot_bits(signal, (chunk * size + position for position in positions))
    assert len(bits) == size // 8
    assert {slot for slot in range(size) if has_slot(bits, chunk * size + slot)} == positions


@both_tallies
@settings(deadline=None)
@given(batches)
def test_every_event_is_counted_once_in_its_mode(
    make_tally: MakeTally, batch: list[tuple[Event, Mode]]
) -> None:
    """Counters add up to the events that are not OFF; only identified ones are counted by hour."""
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
    assert make_tally(batch).counts == expected


@both_tallies
@settings(deadline=None)
@given(batches)
def test_identified_and_anonymous_events_mark_their_slots(
    make_tally: MakeTally,
    batch: list[tuple[Event, Mode]],
) -> None:
    """IDENTIFIED and ANONYMOUS events mark their slot; AGGREGATE and OFF events mark none."""
    expected = {
        (e.campaign, e.group, e.signal, Verdict(e.verdict).is_machine, int(mode), e.slot)
        for e, mode in batch
        if mode in (Mode.IDENTIFIED, Mode.ANONYMOUS)
    }
    assert marked_slots(make_tally(batch).slots) == expected


@both_tallies
@settings(deadline=None)
@given(batches)
def test_only_identified_events_become_rows(
    make_tally: MakeTally, batch: list[tuple[Event, Mode]]
) -> None:
    """Rows name the contacts of IDENTIFIED events and of no others."""
    rows = as_rows(make_tally(batch).identified({})[0])
    expected = Counter(
        (event.contact, event.slot, event.signal)
        for event, mode in batch
        if mode is Mode.IDENTIFIED
    )
    assert (
        Counter((contact, slot, signal) for _, contact, _, _, slot, signal, _, _ in rows)
        == expected
    )


@both_tallies
@settings(deadline=None)
@given(batches, batches)
def test_the_first_event_of_a_slot_is_marked_once(
    make_tally: MakeTally, before: list[tuple[Event, Mode]], batch: list[tuple[Event, Mode]]
) -> None:
    """Over two commits, each identified slot and signal has one first event: the earliest."""
    earlier, later = make_tally(before), make_tally(batch)
    earlier_columns, earlier_first = earlier.identified({})
    later_columns, later_first = later.identified(earlier.slots)
    first = [row for row in as_rows(earlier_columns) + as_rows(later_columns) if row[-1]]
    places = [
        (campaign, group, signal, Verdict(verdict).is_machine, int(Mode.IDENTIFIED), slot)
        for campaign, _, _, group, slot, signal, verdict, _ in first
    ]
    marked = marked_slots(earlier.slots) | marked_slots(later.slots)
    assert sorted(places) == sorted(key for key in marked if key[4] == Mode.IDENTIFIED)
    assert sum(earlier_first.values()) + sum(later_first.values()) == len(first)


def event_groups(columns: EventColumns) -> list[EventGroup]:
    """Group identical events, as the database returns the events that it deleted."""
    events: Counter[tuple[int, int, int, int, int, int]] = Counter()
    first: Counter[tuple[int, int, int, int, int, int]] = Counter()
    for campaign, _, time, group, slot, signal, verdict, is_first in as_rows(columns):
        kind = (campaign, group, slot, signal, verdict, time // 3_600_000_000)
        events[kind] += 1
        first[kind] += is_first
    return [(*kind, count, first[kind]) for kind, count in events.items()]


@both_tallies
@settings(deadline=None)
@given(batches)
def test_anonymizing_subtracts_exactly_what_was_counted(
    make_tally: MakeTally, batch: list[tuple[Event, Mode]]
) -> None:
    """Anonymizing all events of a batch sets identified counters to zero and moves their slots."""
    identified = [(event, Mode.IDENTIFIED) for event, _ in batch]
    tally = make_tally(identified)
    rows, first_events = tally.identified({})
    changes = AnonymizedCounts.of_events(event_groups(rows), Mode.ANONYMOUS)

    remaining = Counter(tally.counts)
    remaining.update(changes.counts)
    assert not any(count for key, count in remaining.items() if key[4] == Mode.IDENTIFIED)
    first = Counter(first_events)
    first.update(changes.first)
    assert not any(first.values())
    assert slots_by_key(changes.cleared) == marked_slots(tally.slots)
    assert slots_by_key(changes.marked) == {
        (*key[:4], ANONYMIZED + Mode.ANONYMOUS, key[5]) for key in marked_slots(tally.slots)
    }


@both_tallies
@settings(deadline=None)
@given(batches)
def test_anonymizing_to_aggregate_marks_no_slot(
    make_tally: MakeTally, batch: list[tuple[Event, Mode]]
) -> None:
    """In mode AGGREGATE only totals move to the anonymized counters; slots do not."""
    rows = make_tally([(event, Mode.IDENTIFIED) for event, _ in batch]).identified({})[0]
    changes = AnonymizedCounts.of_events(event_groups(rows), Mode.AGGREGATE)
    assert not changes.marked
    assert sum(
        n for key, n in changes.counts.items() if key[4] == ANONYMIZED + Mode.AGGREGATE
    ) == len(rows.time)
