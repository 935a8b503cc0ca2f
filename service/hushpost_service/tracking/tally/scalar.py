"""Adds up events one by one: for the few events of single calls. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from operator import itemgetter

from hushpost_service.domain.counters import (
    AUTOMATED,
    HOUR,
    NO_EVENTS,
    CounterKey,
    EventColumns,
    SlotKey,
    chunk_slots,
    has_slot,
    slot_bits,
)
from hushpost_service.domain.events import Event
from hushpost_service.domain.modes import Mode

__all__ = ["ScalarTally"]

_TIME = itemgetter(Event._fields.index("time"))


class ScalarTally:
    """The sum of some events of one tenant, each with the mode decided for it.

    Attributes:
        counts: Events by counter.
        slots: Bitmaps of the slots to mark.
    """

    def __init__(self, events: Iterable[tuple[Event, Mode]]) -> None:
        """Add up events; those that are OFF leave nothing."""
        self.counts: dict[CounterKey, int] = {}
        self._marked: defaultdict[SlotKey, list[int]] = defaultdict(list)
        self._identified: defaultdict[SlotKey, list[Event]] = defaultdict(list)
        for event, mode in events:
            self._add(event, mode)
        self.slots = {key: slot_bits(key[2], marked) for key, marked in self._marked.items()}

    def _add(self, event: Event, mode: Mode) -> None:
        if mode is Mode.OFF:
            return
        campaign, _, group, slot, _, signal, verdict, time, *_ = event
        machine = verdict in AUTOMATED
        number = mode._value_
        is_identified = mode is Mode.IDENTIFIED
        hour = time // HOUR if is_identified else 0
        counter = (campaign, group, signal, machine, number, hour)
        self.counts[counter] = self.counts.get(counter, 0) + 1
        if mode is not Mode.AGGREGATE:
            key = (campaign, group, signal, machine, number, slot // chunk_slots(signal))
            self._marked[key].append(slot)
            if is_identified:
                self._identified[key].append(event)

    def identified_keys(self) -> list[SlotKey]:
        """Return the keys of the identified slots, sorted."""
        return sorted(self._identified)

    def identified(
        self, marked: Mapping[SlotKey, bytes]
    ) -> tuple[EventColumns, dict[CounterKey, int]]:
        """Return the identified events, and how many of each counter are first events.

        An event is first if its slot had no event of that signal before.

        Args:
            marked: The bitmaps stored so far, by `identified_keys`.
        """
        rows = []
        first: dict[CounterKey, int] = {}
        for key, events in self._identified.items():
            place = key[:5]
            bits = marked.get(key)
            new = set()
            for event in sorted(events, key=_TIME):
                campaign, contact, group, slot, _, signal, verdict, time, *_ = event
                is_first = slot not in new and not (bits and has_slot(bits, slot))
                if is_first:
                    new.add(slot)
                    counter = (*place, time // HOUR)
                    first[counter] = first.get(counter, 0) + 1
                rows.append((campaign, contact, time, group, slot, signal, verdict, is_first))
        columns = EventColumns(*zip(*rows, strict=True)) if rows else NO_EVENTS
        return columns, first
