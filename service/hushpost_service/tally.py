"""What a batch of events adds up to: counters, slot bits, rows. Pure."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, Self

import numpy as np

from hushpost_service.deciding import Modes
from hushpost_service.events import Events, Flags, Numbers, distinct
from hushpost_service.policy import Mode
from hushpost_service.verdict import Verdict

__all__ = [
    "CHUNK_SLOTS",
    "FOLDED",
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

_HOUR = 3600 * 1_000_000
_MACHINES = frozenset(int(verdict) for verdict in Verdict if verdict.is_machine)
_IS_MACHINE = np.array([number in _MACHINES for number in range(max(Verdict) + 1)])
_IDENTIFIED = int(Mode.IDENTIFIED)
_CHUNK_BYTES = CHUNK_SLOTS // 8
_NO_SLOTS = bytes(_CHUNK_BYTES)
_LEFTMOST = 0x80


class EventRows(NamedTuple):
    """Identified events, a column each."""

    campaign: Numbers
    contact: Numbers
    time: Numbers
    group: Numbers
    slot: Numbers
    signal: Numbers
    verdict: Numbers
    is_first: Flags


Taken = tuple[int, int, int, int, int, int, int, int]
"""(campaign, group, slot, signal, verdict, hour, events, first events): of identified
events that were taken out, so many were alike."""


class Tally:
    """The sum of some events of one tenant, each in the mode it was decided to have."""

    def __init__(self, events: Events, modes: Modes) -> None:
        """Count events; those that are OFF leave nothing."""
        is_counted = modes != Mode.OFF
        mode = modes[is_counted]
        columns = np.ascontiguousarray(events[is_counted].T)
        campaign, _, group, _, signal, verdict, time, _, _ = columns
        place = (campaign, group, signal, _IS_MACHINE[verdict], mode)
        hour = np.where(mode == Mode.IDENTIFIED, time // _HOUR, 0)
        self._counters, counter = _keys(*place, hour)
        self.counts: dict[CounterKey, int] = _counted(self._counters, counter)
        self.first: dict[CounterKey, int] = {}
        # From here on those alone that have a slot: others are in totals only.
        slotted = mode != Mode.AGGREGATE
        self._events = columns[:, slotted]
        self._counter = counter[slotted]
        slot = self._events[3]
        place = tuple(column[slotted] for column in place)
        self._rows, row = _keys(*place, slot // CHUNK_SLOTS)
        self._bit = row * CHUNK_SLOTS + slot % CHUNK_SLOTS
        self._is_identified = mode[slotted] == Mode.IDENTIFIED
        self.slots: dict[SlotKey, bytes] = dict(zip(self._rows, self._bits(), strict=True))

    def _bits(self) -> list[bytes]:
        bits = np.zeros(len(self._rows) * _CHUNK_BYTES, np.uint8)
        np.bitwise_or.at(bits, self._bit >> 3, _LEFTMOST >> (self._bit & 7).astype(np.uint8))
        return [row.tobytes() for row in bits.reshape(-1, _CHUNK_BYTES)]

    def identified_keys(self) -> list[SlotKey]:
        """Return the keys of identified slots, sorted."""
        return [key for key in self._rows if key[4] == _IDENTIFIED]

    def rows(self, seen: Mapping[SlotKey, bytes]) -> EventRows:
        """Return the identified events' rows, and count which of them are first.

        `seen` has the bits that were set before, by `identified_keys`.
        """
        campaign, contact, group, slot, signal, verdict, time, _, _ = self._events[
            :, self._is_identified
        ]
        bit = self._bit[self._is_identified]
        before = b"".join(seen.get(key, _NO_SLOTS) for key in self._rows)
        was_seen = np.frombuffer(before, np.uint8)[bit >> 3] << (bit & 7) & _LEFTMOST
        order = np.lexsort((time, bit))
        is_first = np.empty(len(bit), np.bool_)
        is_first[order] = np.diff(bit[order], prepend=-1) != 0
        is_first &= was_seen == 0
        self.first = _counted(self._counters, self._counter[self._is_identified][is_first])
        return EventRows(campaign, contact, time, group, slot, signal, verdict, is_first)


def _keys(*columns: Numbers) -> tuple[list[Any], Numbers]:
    """Return the distinct keys that columns make up, sorted, and which one each row has."""
    if not len(columns[0]):
        return [], columns[0]
    first, which = distinct(*columns)
    return list(zip(*(column[first].tolist() for column in columns), strict=True)), which


def _counted(keys: Sequence[CounterKey], which: Numbers) -> dict[CounterKey, int]:
    """Return how many rows have each key, where there are some."""
    counts = np.bincount(which, minlength=len(keys)).tolist()
    return {key: count for key, count in zip(keys, counts, strict=True) if count}


def slot_bits(slots: Iterable[int]) -> bytes:
    """Return the bits of slots of one chunk, in PostgreSQL's order: slot 0 is leftmost."""
    bits = bytearray(_CHUNK_BYTES)
    for slot in slots:
        bits[slot % CHUNK_SLOTS >> 3] |= _LEFTMOST >> (slot & 7)
    return bytes(bits)


def has_slot(bits: bytes, slot: int) -> bool:
    """Tell whether the bit of a slot is set."""
    return bool(bits[slot % CHUNK_SLOTS >> 3] & _LEFTMOST >> (slot & 7))


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
            place = (campaign, group, signal, verdict in _MACHINES)
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
