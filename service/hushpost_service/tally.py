"""What a batch of events adds up to: counters, slot bits, rows. Pure."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import itemgetter
from typing import NamedTuple, Self

from hushpost_service.events import Event, Flags, Numbers
from hushpost_service.policy import Mode
from hushpost_service.verdict import Verdict

__all__ = [
    "CHUNK_SLOTS",
    "FOLDED",
    "HOUR",
    "LEFTMOST",
    "MACHINES",
    "NO_ROWS",
    "CounterKey",
    "EventRows",
    "Fold",
    "SlotKey",
    "Taken",
    "Tally",
    "slot_bits",
]

CHUNK_SLOTS = 4096
"""Slots whose bits stand in one row."""

FOLDED = 10
"""Added to the number of the mode that folded events count in.

They are counted apart: readers saw them leave the identified numbers, so that
they must not make up the quorum that others hide behind.
"""

SlotKey = tuple[int, int, int, bool, int, int]
"""(campaign, group, signal, machine, mode, chunk): the key of a row of slot bits.

`mode` is one of `Mode`, or that of folded events (see `FOLDED`).
"""

CounterKey = tuple[int, int, int, bool, int, int]
"""(campaign, group, signal, machine, mode, hour): the key of a counter.

`hour` counts from 1970-01-01T00Z; it is 0 unless the mode is IDENTIFIED, because
anonymous events carry no time.
"""

Column = Sequence[int] | Numbers

HOUR = 3600 * 1_000_000
"""In microseconds."""

MACHINES = frozenset(int(verdict) for verdict in Verdict if verdict.is_machine)
"""The numbers of verdicts behind which no person stands."""

LEFTMOST = 0x80
"""The bit of the first slot in a byte: in PostgreSQL's order slot 0 is leftmost."""

_TIME = itemgetter(Event._fields.index("time"))
_IDENTIFIED = int(Mode.IDENTIFIED)


class EventRows(NamedTuple):
    """Identified events, a column for each of their parts."""

    campaign: Column
    contact: Column
    time: Column
    group: Column
    slot: Column
    signal: Column
    verdict: Column
    is_first: Sequence[bool] | Flags


NO_ROWS = EventRows(*([()] * len(EventRows._fields)))

Taken = tuple[int, int, int, int, int, int, int, int]
"""(campaign, group, slot, signal, verdict, hour, events, first events): of identified
events that were taken out, so many were alike."""


class Tally:
    """The sum of some events of one tenant, each in the mode it was decided to have.

    One event after the other: see `ColumnTally` for many.
    """

    def __init__(self, events: Iterable[tuple[Event, Mode]]) -> None:
        self.counts: dict[CounterKey, int] = {}
        self.first: dict[CounterKey, int] = {}
        self._marked: defaultdict[SlotKey, list[int]] = defaultdict(list)
        self._identified: defaultdict[SlotKey, list[Event]] = defaultdict(list)
        for event, mode in events:
            self._add(event, mode)
        self.slots = {key: slot_bits(marked) for key, marked in self._marked.items()}

    def _add(self, event: Event, mode: Mode) -> None:
        """Count one event; one that is OFF leaves nothing."""
        if mode is Mode.OFF:
            return
        campaign, _, group, slot, signal, verdict, time, _, _ = event
        machine = verdict in MACHINES
        number = mode._value_
        is_identified = mode is Mode.IDENTIFIED
        hour = time // HOUR if is_identified else 0
        counter = (campaign, group, signal, machine, number, hour)
        self.counts[counter] = self.counts.get(counter, 0) + 1
        if mode is not Mode.AGGREGATE:
            key = (campaign, group, signal, machine, number, slot // CHUNK_SLOTS)
            self._marked[key].append(slot)
            if is_identified:
                self._identified[key].append(event)

    def identified_keys(self) -> list[SlotKey]:
        """Return the keys of identified slots, sorted."""
        return sorted(self._identified)

    def rows(self, seen: Mapping[SlotKey, bytes]) -> EventRows:
        """Return the identified events' rows, and count which of them are first.

        `seen` has the bits that were set before, by `identified_keys`.
        """
        rows = []
        for key, events in self._identified.items():
            place = key[:5]
            bits = seen.get(key)
            fresh = set()
            events.sort(key=_TIME)
            for campaign, contact, group, slot, signal, verdict, time, _, _ in events:
                is_first = slot not in fresh and not (bits and has_slot(bits, slot))
                if is_first:
                    fresh.add(slot)
                    counter = (*place, time // HOUR)
                    self.first[counter] = self.first.get(counter, 0) + 1
                rows.append((campaign, contact, time, group, slot, signal, verdict, is_first))
        return EventRows(*zip(*rows, strict=True)) if rows else NO_ROWS


def slot_bits(slots: Iterable[int]) -> bytes:
    """Return the bits of slots of one chunk, in PostgreSQL's order: slot 0 is leftmost."""
    bits = bytearray(CHUNK_SLOTS // 8)
    for slot in slots:
        bits[slot % CHUNK_SLOTS >> 3] |= LEFTMOST >> (slot & 7)
    return bytes(bits)


def has_slot(bits: bytes, slot: int) -> bool:
    """Tell whether the bit of a slot is set."""
    return bool(bits[slot % CHUNK_SLOTS >> 3] & LEFTMOST >> (slot & 7))


class Fold:
    """What it takes to move identified events away: changes of counters and slots."""

    def __init__(self) -> None:
        self.counts: Counter[CounterKey] = Counter()
        self.first: Counter[CounterKey] = Counter()
        self.cleared: defaultdict[SlotKey, list[int]] = defaultdict(list)
        self.marked: defaultdict[SlotKey, list[int]] = defaultdict(list)

    @classmethod
    def of_events(
        cls,
        taken: Iterable[Taken],
        mode: Mode,
        slot: Callable[[int, int, int], int] | None = None,
    ) -> Self:
        """Count events as folded in an anonymous mode instead; in ANONYMOUS, mark slots there.

        Their own slots, unless `slot` says which, by (campaign, group, slot).
        """
        fold = cls()
        folded = FOLDED + mode
        for campaign, group, own_slot, signal, verdict, hour, events, first in taken:
            place = (campaign, group, signal, verdict in MACHINES)
            fold.counts[*place, _IDENTIFIED, hour] -= events
            fold.first[*place, _IDENTIFIED, hour] -= first
            fold.counts[*place, folded, 0] += events
            fold.cleared[*place, _IDENTIFIED, own_slot // CHUNK_SLOTS].append(own_slot)
            if mode is Mode.ANONYMOUS:
                marked = slot(campaign, group, own_slot) if slot else own_slot
                fold.marked[*place, folded, marked // CHUNK_SLOTS].append(marked)
        return fold

    @classmethod
    def of_slot(cls, places: Iterable[tuple[int, int, int, bool]], slot: int, to: int) -> Self:
        """Move a slot's identified bits at (campaign, group, signal, machine) to another slot."""
        fold = cls()
        for place in places:
            fold.cleared[*place, _IDENTIFIED, slot // CHUNK_SLOTS].append(slot)
            fold.marked[*place, _IDENTIFIED, to // CHUNK_SLOTS].append(to)
        return fold
