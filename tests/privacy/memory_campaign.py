"""A campaign in memory, which stands in for storage when counts are released."""

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from types import SimpleNamespace

from hushpost_service.domain.counters import Count, slot_bits
from hushpost_service.domain.modes import Mode
from hushpost_service.releases import counts
from hushpost_service.storage.stats import Cell

__all__ = ["Act", "MemoryCampaign"]

Act = tuple[int | None, int, bool]
"""(slot, signal, machine); no slot in mode AGGREGATE, signal 0 is an open, others are links."""

_GROUP = 1


class MemoryCampaign:
    """A campaign with one group, whose statements are answered from memory."""

    def __init__(self, links: int, messages: int, acts: frozenset[tuple[Act, int]]) -> None:
        """Create a campaign in which each act happened that many times."""
        self._links = links
        self._messages = messages
        self._acts = acts
        self._cell: int | None = None

    async def counts(self) -> counts.ReleaseCounts:
        """Return what the service would release, without noise."""
        return await counts.count_for_release(self, 1, 1)  # type: ignore[arg-type]

    async def sent_by_group(self, _tenant: int, _campaign: int) -> list[tuple[int, Mode, int]]:
        """Return the messages: all in mode ANONYMOUS."""
        return [(_GROUP, Mode.ANONYMOUS, self._messages)]

    async def group_cells(self, _tenant: int, _campaign: int) -> dict[int, int | None]:
        """Return the cell of the group."""
        return {_GROUP: self._cell}

    async def assign_cells(self, _tenant: int, _campaign: int, own: Sequence[int]) -> None:
        """Give the group its own cell, or the shared one."""
        self._cell = _GROUP if own else 0

    async def link_numbers(self, _tenant: int, _campaign: int) -> list[int]:
        """Return the links."""
        return list(range(1, self._links + 1))

    async def clicked_slots(
        self, _tenant: int, _campaign: int
    ) -> AsyncIterator[tuple[bool, dict[int, bytes]]]:
        """Yield the bitmaps of links, for people and machines."""
        for machine in (False, True):
            clicked: dict[int, set[int]] = {}
            for (slot, signal, by), _times in self._acts:
                if signal and slot is not None and by == machine:
                    clicked.setdefault(signal, set()).add(slot)
            if clicked:
                yield machine, {link: slot_bits(slots) for link, slots in clicked.items()}

    async def anonymous_counts(self, _tenant: int, _campaign: int) -> dict[Cell, Count]:
        """Return events and people of each live count."""
        found: Counter[Cell] = Counter()
        people: dict[Cell, set[int]] = {}
        for (slot, signal, machine), times in self._acts:
            mode = Mode.AGGREGATE if slot is None else Mode.ANONYMOUS
            cells = [Cell(_GROUP, min(signal, 1), machine, mode)]
            cells += [Cell(0, signal, machine, mode)] if signal else []
            for cell in cells:
                found[cell] += times
                if slot is not None:
                    people.setdefault(cell, set()).add(slot)
        return {cell: Count(total, len(people.get(cell, ()))) for cell, total in found.items()}


STORAGE = SimpleNamespace(
    **{
        name: getattr(MemoryCampaign, name)
        for name in (
            "assign_cells",
            "clicked_slots",
            "group_cells",
            "link_numbers",
            "sent_by_group",
        )
    }
)
"""Takes the place of `hushpost_service.storage.releases`: a campaign is the connection."""
