"""Keys of the counters and slot bitmaps that the database keeps, and the bits of slots. Pure."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from hushpost_service.domain.events import Flags, Numbers
from hushpost_service.domain.verdicts import Verdict

__all__ = [
    "ANONYMIZED",
    "AUTOMATED",
    "CLICK_CHUNK_SLOTS",
    "FIRST_BIT",
    "HOUR",
    "NOTHING",
    "NO_EVENTS",
    "OPEN_CHUNK_SLOTS",
    "Count",
    "CounterKey",
    "EventColumns",
    "SingleEvent",
    "SlotKey",
    "chunk_slots",
    "has_slot",
    "slot_bits",
]

OPEN_CHUNK_SLOTS = 4096
"""Slots whose bits for opens share one row. Many of them are set, so PostgreSQL could not compress
the row; it does not try, because a row of this size is below its threshold."""

CLICK_CHUNK_SLOTS = 16_384
"""Slots whose bits for clicks on a link share one row. Few of them are set, and the row is so large
that PostgreSQL compresses it."""

ANONYMIZED = 10
"""Added to the number of an anonymous mode for events that were identified before.

A contact counts once in an anonymous number, whether its bit has the number of the mode,
this number, or both.
"""


class Count(NamedTuple):
    """Events, and distinct people.

    `unique` is 0 in mode AGGREGATE, where people cannot be distinguished.
    """

    total: int = 0
    unique: int = 0

    def __add__(self, other: object) -> "Count":
        if not isinstance(other, Count):
            return NotImplemented
        return Count(self.total + other.total, self.unique + other.unique)


NOTHING = Count()

SlotKey = tuple[int, int, int, bool, int, int]
"""Key of a row of slot bits: (campaign, group, signal, machine, mode, chunk).

`mode` is the number of a `Mode`, plus `ANONYMIZED` for anonymized events.
"""

CounterKey = tuple[int, int, int, bool, int, int]
"""Key of a counter: (campaign, group, signal, machine, mode, hour).

`hour` counts hours since 1970-01-01T00Z. It is 0 unless the mode is IDENTIFIED,
because anonymous events carry no time.
"""

HOUR = 3600 * 1_000_000
"""Microseconds of an hour."""

AUTOMATED = frozenset(int(verdict) for verdict in Verdict if verdict.is_machine)
"""The numbers of automated verdicts."""

FIRST_BIT = 0x80
"""The bit of the first slot in a byte: PostgreSQL numbers bits from the left."""

Column = Sequence[int] | Numbers


class EventColumns(NamedTuple):
    """Identified events as columns of equal length, one per column of the table."""

    campaign: Column
    contact: Column
    time: Column
    group: Column
    slot: Column
    signal: Column
    verdict: Column
    is_first: Sequence[bool] | Flags


SingleEvent = tuple[int, int, int, bool, int, int, int, int, int]
"""An event of a single call, as it is stored: (campaign, group, signal, machine, mode, slot, time,
contact, verdict).

Time, contact and verdict are 0 unless the mode is IDENTIFIED, and the slot if it is AGGREGATE.
"""

NO_EVENTS = EventColumns(*([()] * len(EventColumns._fields)))


def chunk_slots(signal: int) -> int:
    """Return how many slots share a row of a signal."""
    return CLICK_CHUNK_SLOTS if signal else OPEN_CHUNK_SLOTS


def slot_bits(signal: int, slots: Iterable[int]) -> bytes:
    """Return the bitmap of slots that share one chunk of a signal."""
    size = chunk_slots(signal)
    bits = bytearray(size // 8)
    for slot in slots:
        bits[slot % size >> 3] |= FIRST_BIT >> (slot & 7)
    return bytes(bits)


def has_slot(bits: bytes, slot: int) -> bool:
    """Return whether a chunk's bitmap has the bit of a slot."""
    return bool(bits[(slot >> 3) % len(bits)] & FIRST_BIT >> (slot & 7))
