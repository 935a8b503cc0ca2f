"""Adds up events one by one: for the few events of single calls. Pure."""

from collections.abc import Iterable

from hushpost_service.domain.counters import (
    AUTOMATED,
    HOUR,
    CounterKey,
    SingleEvent,
    SlotKey,
    chunk_slots,
)
from hushpost_service.domain.events import Event
from hushpost_service.domain.modes import Mode

__all__ = ["ScalarTally"]

_IDENTIFIED = int(Mode.IDENTIFIED)


class ScalarTally:
    """The sum of some events of one tenant, each with the mode decided for it.

    Attributes:
        counts: Events by counter.
        events: The events without what their modes do not allow to store, sorted.
    """

    def __init__(self, events: Iterable[tuple[Event, Mode]]) -> None:
        """Add up events; those that are OFF leave nothing."""
        self.counts: dict[CounterKey, int] = {}
        self.events: list[SingleEvent] = []
        for event, mode in events:
            if mode is Mode.OFF:
                continue
            campaign, contact, group, slot, _, signal, verdict, time, *_ = event
            machine = verdict in AUTOMATED
            place = (campaign, group, signal, machine, mode._value_)
            hour = 0
            if mode is Mode.IDENTIFIED:
                hour = time // HOUR
                self.events.append((*place, slot, time, contact, verdict))
            else:
                self.events.append((*place, slot if mode is Mode.ANONYMOUS else 0, 0, 0, 0))
            counter = (*place, hour)
            self.counts[counter] = self.counts.get(counter, 0) + 1
        self.events.sort()

    def identified_keys(self) -> list[SlotKey]:
        """Return the keys of the identified slots, sorted."""
        return sorted(
            {
                (*event[:5], event[5] // chunk_slots(event[2]))
                for event in self.events
                if event[4] == _IDENTIFIED
            }
        )
