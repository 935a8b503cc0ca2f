"""Computes the changes to counters and slot bits that anonymize identified events. Pure."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Self

from hushpost_service.domain.counters import (
    ANONYMIZED,
    AUTOMATED,
    CounterKey,
    SlotKey,
    chunk_slots,
)
from hushpost_service.domain.events import EventGroup
from hushpost_service.domain.modes import Mode

__all__ = ["AnonymizedCounts"]

_IDENTIFIED = int(Mode.IDENTIFIED)


class AnonymizedCounts:
    """Changes to counters and slot bits.

    Attributes:
        counts: Events to add to each counter; a negative number is subtracted.
        first: The same for first events, which count people per hour.
        cleared: Slots whose bits are cleared.
        marked: Slots whose bits are set.
    """

    def __init__(self) -> None:
        self.counts: Counter[CounterKey] = Counter()
        self.first: Counter[CounterKey] = Counter()
        self.cleared: defaultdict[SlotKey, list[int]] = defaultdict(list)
        self.marked: defaultdict[SlotKey, list[int]] = defaultdict(list)

    @classmethod
    def of_events(cls, deleted: Iterable[EventGroup], mode: Mode) -> Self:
        """Move deleted identified events to the anonymized counters of a mode.

        Args:
            deleted: The events, grouped as `EventGroup`.
            mode: ANONYMOUS, which also marks slots, or AGGREGATE.
        """
        changes = cls()
        anonymized = ANONYMIZED + mode
        for campaign, group, slot, signal, verdict, hour, events, first in deleted:
            place = (campaign, group, signal, verdict in AUTOMATED)
            chunk = slot // chunk_slots(signal)
            changes.counts[*place, _IDENTIFIED, hour] -= events
            changes.first[*place, _IDENTIFIED, hour] -= first
            changes.counts[*place, anonymized, 0] += events
            if first:
                # Otherwise the first event has expired, and its row was deleted before. It
                # still counts as identified, and so does its slot.
                changes.cleared[*place, _IDENTIFIED, chunk].append(slot)
            if mode is Mode.ANONYMOUS:
                changes.marked[*place, anonymized, chunk].append(slot)
        return changes

    @classmethod
    def of_moved_slot(
        cls, places: Iterable[tuple[int, int, int, bool]], slot: int, new_slot: int
    ) -> Self:
        """Move the identified bits of a slot to another slot.

        Args:
            places: The (campaign, group, signal, machine) where the slot is marked.
            slot: The slot whose bits are cleared.
            new_slot: The slot of the same group whose bits are set instead.
        """
        changes = cls()
        for place in places:
            signal = place[2]
            changes.cleared[*place, _IDENTIFIED, slot // chunk_slots(signal)].append(slot)
            changes.marked[*place, _IDENTIFIED, new_slot // chunk_slots(signal)].append(new_slot)
        return changes
