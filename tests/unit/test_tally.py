"""What events add up to."""

from collections import Counter
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from hushpost_service.policy import Mode
from hushpost_service.tally import CHUNK_SLOTS, Event, Fold, Tally
from hushpost_service.verdict import Verdict

CREATED = datetime(2026, 1, 1, tzinfo=UTC)
TENANT = 7
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
    created=st.just(CREATED),
)
batches = st.lists(st.tuples(events, st.sampled_from(Mode)), max_size=40)


def tallied(batch: list[tuple[Event, Mode]]) -> Tally:
    """Add a batch up."""
    tally = Tally()
    for event, mode in batch:
        tally.add(event, mode)
    return tally


def slots(masks: dict[tuple[int, int, int, bool, int, int], int]) -> set[tuple[object, ...]]:
    """Return (…, slot) of every bit."""
    return {
        (*key[:5], key[5] * CHUNK_SLOTS + bit)
        for key, mask in masks.items()
        for bit in range(CHUNK_SLOTS)
        if mask >> bit & 1
    }


@given(batches)
def test_every_event_is_counted_once_in_its_mode(batch: list[tuple[Event, Mode]]) -> None:
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


@given(batches)
def test_slots_are_marked_where_people_can_be_told_apart(
    batch: list[tuple[Event, Mode]],
) -> None:
    """IDENTIFIED and ANONYMOUS events mark their slot, AGGREGATE and OFF ones none."""
    expected = {
        (e.campaign, e.group, e.signal, Verdict(e.verdict).is_machine, int(mode), e.slot)
        for e, mode in batch
        if mode in (Mode.IDENTIFIED, Mode.ANONYMOUS)
    }
    assert slots(tallied(batch).masks) == expected


@given(batches)
def test_only_identified_events_leave_rows(batch: list[tuple[Event, Mode]]) -> None:
    """Rows name contacts of IDENTIFIED events and of no others."""
    rows = tallied(batch).rows(TENANT, {})
    expected = Counter(
        (event.contact, event.slot, event.signal)
        for event, mode in batch
        if mode is Mode.IDENTIFIED
    )
    assert Counter((row.contact, row.slot, row.signal) for row in rows) == expected


@given(batches, batches)
def test_the_first_event_of_a_slot_is_marked_once(
    before: list[tuple[Event, Mode]], batch: list[tuple[Event, Mode]]
) -> None:
    """Over two commits each identified slot and signal has one first event, the earliest in its commit."""
    earlier = tallied(before)
    first = [row for row in earlier.rows(TENANT, {}) if row.is_first]
    later = tallied(batch)
    first += [row for row in later.rows(TENANT, earlier.masks) if row.is_first]
    places = [
        (r.campaign, r.group, r.signal, Verdict(r.verdict).is_machine, int(Mode.IDENTIFIED), r.slot)
        for r in first
    ]
    seen = slots(earlier.masks) | slots(later.masks)
    assert sorted(places) == sorted(key for key in seen if key[4] == Mode.IDENTIFIED)
    assert sum(earlier.first.values()) + sum(later.first.values()) == len(first)


@given(batches)
def test_folding_takes_back_what_was_counted(batch: list[tuple[Event, Mode]]) -> None:
    """Folding all rows of a batch leaves identified numbers at zero and moves their slots."""
    identified = [(event, Mode.IDENTIFIED) for event, _ in batch]
    tally = tallied(identified)
    rows = tally.rows(TENANT, {})
    fold = Fold.of_events(rows, Mode.ANONYMOUS)

    left = Counter(tally.counts)
    left.update(fold.counts)
    assert not any(count for key, count in left.items() if key[4] == Mode.IDENTIFIED)
    first = Counter(tally.first)
    first.update(fold.first)
    assert not any(first.values())
    assert slots(fold.cleared) == slots(tally.masks)
    assert slots(fold.marked) == {
        (*key[:4], int(Mode.ANONYMOUS), key[5]) for key in slots(tally.masks)
    }


@given(batches)
def test_folding_into_totals_marks_no_slot(batch: list[tuple[Event, Mode]]) -> None:
    """Into AGGREGATE events move, people do not."""
    rows = tallied([(event, Mode.IDENTIFIED) for event, _ in batch]).rows(TENANT, {})
    fold = Fold.of_events(rows, Mode.AGGREGATE)
    assert not fold.marked
    assert sum(n for key, n in fold.counts.items() if key[4] == Mode.AGGREGATE) == len(rows)
