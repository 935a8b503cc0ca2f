"""Adds up events as NumPy columns: for batches. Pure."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from hushpost_service.domain.counters import (
    AUTOMATED,
    CLICK_CHUNK_SLOTS,
    FIRST_BIT,
    HOUR,
    OPEN_CHUNK_SLOTS,
    CounterKey,
    EventColumns,
    SlotKey,
)
from hushpost_service.domain.events import SIGNAL, SLOT, Events, Flags, Numbers, distinct
from hushpost_service.domain.modes import Mode
from hushpost_service.domain.verdicts import Verdict
from hushpost_service.tracking.mode_decisions import EventModes

__all__ = ["ColumnarTally"]

_IS_AUTOMATED = np.array([number in AUTOMATED for number in range(max(Verdict) + 1)])

# Plain integers: NumPy converts enum members slowly.
_IDENTIFIED, _AGGREGATE, _OFF = map(int, (Mode.IDENTIFIED, Mode.AGGREGATE, Mode.OFF))


class ColumnarTally:
    """The same sums as `ScalarTally`; each step covers all events at once.

    Attributes:
        counts: Events by counter.
        slots: Bitmaps of the slots to mark.
    """

    def __init__(self, events: Events, modes: EventModes) -> None:
        """Add up events; those that are OFF leave nothing."""
        columns, mode = _selected(modes != _OFF, events.T, modes)
        columns = np.ascontiguousarray(columns)
        campaign, _, group, _, _, signal, verdict, time, *_ = columns
        place = [campaign, group, signal, _IS_AUTOMATED[verdict], mode]
        hour = np.where(mode == _IDENTIFIED, time // HOUR, 0)
        self._counters, counter = _keys(*place, hour)
        self.counts: dict[CounterKey, int] = _counted(self._counters, counter)
        # AGGREGATE events have no slot: from here on, the others only.
        self._events, self._counter, mode, *place = _selected(
            mode != _AGGREGATE, columns, counter, mode, *place
        )
        slot = self._events[SLOT]
        width = np.where(self._events[SIGNAL] > 0, CLICK_CHUNK_SLOTS, OPEN_CHUNK_SLOTS)
        self._keys, key = _keys(*place, slot // width)
        # The bitmaps of all keys lie one after the other: where each begins and ends, in bits,
        # and the bit of each event.
        sizes = np.zeros(len(self._keys), np.int64)
        sizes[key] = width
        self._bounds = np.cumsum(np.append(0, sizes))
        self._bit = self._bounds[key] + slot % width
        self._is_identified = mode == _IDENTIFIED
        self.slots: dict[SlotKey, bytes] = dict(zip(self._keys, self._bitmaps(), strict=True))

    def _bitmaps(self) -> list[bytes]:
        bounds = self._bounds >> 3
        bits = np.zeros(bounds[-1], np.uint8)
        np.bitwise_or.at(bits, self._bit >> 3, FIRST_BIT >> (self._bit & 7).astype(np.uint8))
        data = bits.tobytes()
        return [data[begin:end] for begin, end in pairwise(bounds.tolist())]

    def identified_keys(self) -> list[SlotKey]:
        """Return the keys of the identified slots, sorted."""
        return [key for key in self._keys if key[4] == _IDENTIFIED]

    def identified(
        self, marked: Mapping[SlotKey, bytes]
    ) -> tuple[EventColumns, dict[CounterKey, int]]:
        """Return the identified events, and how many of each counter are first events.

        An event is first if its slot had no event of that signal before.

        Args:
            marked: The bitmaps stored so far, by `identified_keys`.
        """
        campaign, contact, group, slot, _, signal, verdict, time, *_ = self._events[
            :, self._is_identified
        ]
        bit = self._bit[self._is_identified]
        sizes = (np.diff(self._bounds) >> 3).tolist()
        before = b"".join(
            marked.get(key) or bytes(size) for key, size in zip(self._keys, sizes, strict=True)
        )
        was_marked = np.frombuffer(before, np.uint8)[bit >> 3] << (bit & 7) & FIRST_BIT
        order = np.lexsort((time, bit))
        is_first = np.empty(len(bit), np.bool_)
        is_first[order] = np.diff(bit[order], prepend=-1) != 0
        is_first &= was_marked == 0
        first = _counted(self._counters, self._counter[self._is_identified][is_first])
        return EventColumns(campaign, contact, time, group, slot, signal, verdict, is_first), first


def _selected(is_selected: Flags, *columns: Any) -> Sequence[Any]:
    """Return the selected events of columns, or of arrays of columns."""
    if is_selected.all():
        return columns
    return [column[..., is_selected] for column in columns]


def _keys(*columns: Numbers) -> tuple[list[Any], Numbers]:
    """Return the distinct keys that the columns form, sorted, and each row's position in them."""
    if not len(columns[0]):
        return [], columns[0]
    first, positions = distinct(*columns)
    keys = list(zip(*(column[first].tolist() for column in columns), strict=True))
    return keys, positions


def _counted(keys: Sequence[CounterKey], positions: Numbers) -> dict[CounterKey, int]:
    """Return how many rows have each key, without the keys that have none."""
    counts = np.bincount(positions, minlength=len(keys)).tolist()
    return {key: count for key, count in zip(keys, counts, strict=True) if count}
