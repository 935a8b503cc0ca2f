"""What a batch of events adds up to: counters, slot bits, rows. Pure."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import NamedTuple, Self

from hushpost_service.policy import Mode
from hushpost_service.verdict import Verdict

__all__ = ["CHUNK_SLOTS", "CounterKey", "Event", "EventRow", "Fold", "SlotKey", "Tally"]

CHUNK_SLOTS = 4096
"""Slots whose bits stand in one row."""

# Plain tuples: they are made and compared for every event.
SlotKey = tuple[int, int, int, bool, int, int]
"""(campaign, group, signal, machine, mode, chunk): the key of a row of slot bits."""

CounterKey = tuple[int, int, int, bool, int, int]
"""(campaign, group, signal, machine, mode, hour): the key of a counter.

`hour` counts from 1970-01-01T00Z; it is 0 unless the mode is IDENTIFIED, because
anonymous events carry no time.
"""

_HOUR = 3600 * 1_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_MACHINES = frozenset(int(verdict) for verdict in Verdict if verdict.is_machine)
_IDENTIFIED = int(Mode.IDENTIFIED)
_ANONYMOUS = int(Mode.ANONYMOUS)


class Event(NamedTuple):
    """An open (signal 0) or a click (signal n), as its opened token tells it.

    `time` is in microseconds since 1970, whole ones, so that a row read back
    falls in the same hour; `created` is when the campaign was.
    """

    campaign: int
    contact: int
    group: int
    slot: int
    signal: int
    verdict: int
    time: int
    privacy_signal: bool
    created: datetime


class EventRow(NamedTuple):
    """A row of an identified event."""

    campaign: int
    contact: int
    event_time: datetime
    tenant: int
    group: int
    slot: int
    signal: int
    verdict: int
    is_first: bool


class Tally:
    """The sum of some events of one tenant, each in the mode it was decided to have."""

    def __init__(self) -> None:
        self.counts: dict[CounterKey, int] = {}
        self.first: dict[CounterKey, int] = {}
        self.masks: dict[SlotKey, int] = {}
        self._identified: list[Event] = []

    def add(self, event: Event, mode: Mode) -> None:
        """Count one event; one that is OFF leaves nothing."""
        if mode is Mode.OFF:
            return
        campaign, _, group, slot, signal, verdict, time, _, _ = event
        machine = verdict in _MACHINES
        hour = 0
        if mode is Mode.IDENTIFIED:
            hour = time // _HOUR
            self._identified.append(event)
        counter = (campaign, group, signal, machine, int(mode), hour)
        self.counts[counter] = self.counts.get(counter, 0) + 1
        if mode is not Mode.AGGREGATE:
            key = (campaign, group, signal, machine, int(mode), slot // CHUNK_SLOTS)
            self.masks[key] = self.masks.get(key, 0) | 1 << slot % CHUNK_SLOTS

    def identified_keys(self) -> list[SlotKey]:
        """Return the keys of identified slot bits, sorted."""
        return sorted(key for key in self.masks if key[4] == _IDENTIFIED)

    def rows(self, tenant: int, seen: Mapping[SlotKey, int]) -> list[EventRow]:
        """Return the identified events' rows, and count which of them are first.

        `seen` has the slots that were seen before, for `identified_keys`.
        """
        known = dict(seen)
        self._identified.sort(key=_time)
        rows = []
        for (
            campaign,
            contact,
            group,
            slot,
            signal,
            verdict,
            time,
            _,
            _,
        ) in self._identified:
            machine = verdict in _MACHINES
            key = (campaign, group, signal, machine, _IDENTIFIED, slot // CHUNK_SLOTS)
            bit = 1 << slot % CHUNK_SLOTS
            mask = known.get(key, 0)
            is_first = not mask & bit
            if is_first:
                known[key] = mask | bit
                counter = (*key[:5], time // _HOUR)
                self.first[counter] = self.first.get(counter, 0) + 1
            moment = _EPOCH + timedelta(microseconds=time)
            rows.append(
                EventRow(
                    campaign,
                    contact,
                    moment,
                    tenant,
                    group,
                    slot,
                    signal,
                    verdict,
                    is_first,
                )
            )
        return rows


class Fold:
    """What it takes to move identified events away: changes of counters and slots."""

    def __init__(self) -> None:
        self.counts: Counter[CounterKey] = Counter()
        self.first: Counter[CounterKey] = Counter()
        self.cleared: dict[SlotKey, int] = {}
        self.marked: dict[SlotKey, int] = {}

    @classmethod
    def of_events(
        cls,
        rows: Iterable[EventRow],
        mode: Mode,
        slot: Callable[[EventRow], int] | None = None,
    ) -> Self:
        """Count events in an anonymous mode instead; in ANONYMOUS, mark slots there.

        Their own slots, unless `slot` says which.
        """
        fold = cls()
        for row in rows:
            place = (row.campaign, row.group, row.signal, row.verdict in _MACHINES)
            hour = (row.event_time - _EPOCH) // _MICROSECOND // _HOUR
            fold.counts[*place, _IDENTIFIED, hour] -= 1
            fold.first[*place, _IDENTIFIED, hour] -= row.is_first
            fold.counts[*place, int(mode), 0] += 1
            _mark(fold.cleared, (*place, _IDENTIFIED), row.slot)
            if mode is Mode.ANONYMOUS:
                _mark(fold.marked, (*place, _ANONYMOUS), slot(row) if slot else row.slot)
        return fold

    @classmethod
    def of_slot(cls, places: Iterable[tuple[int, int, int, bool]], slot: int, to: int) -> Self:
        """Move a slot's identified bits at (campaign, group, signal, machine) to another slot."""
        fold = cls()
        for place in places:
            _mark(fold.cleared, (*place, _IDENTIFIED), slot)
            _mark(fold.marked, (*place, _IDENTIFIED), to)
        return fold


def _mark(masks: dict[SlotKey, int], place: tuple[int, int, int, bool, int], slot: int) -> None:
    key = (*place, slot // CHUNK_SLOTS)
    masks[key] = masks.get(key, 0) | 1 << slot % CHUNK_SLOTS


def _time(event: Event) -> int:
    return event.time
