"""A campaign in memory, which stands in for storage when counts are released."""

from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from types import SimpleNamespace
from typing import NamedTuple

from hushpost_service.domain.consent import Purpose
from hushpost_service.domain.counters import Count, slot_bits
from hushpost_service.domain.modes import Mode
from hushpost_service.releases import counts
from hushpost_service.storage.stats import Cell

__all__ = ["Act", "MemoryCampaign"]

_EPSILON = 2.0
"""Only the cells of groups with about 500 messages depend on it, by chance."""


class Act(NamedTuple):
    """An open (signal 0) or a click on link `signal`; `slot` is None in mode AGGREGATE."""

    slot: int | None
    signal: int
    machine: bool = False
    group: int = 1


class MemoryCampaign:
    """A campaign, whose statements are answered from memory."""

    def __init__(
        self,
        links: int,
        messages: Mapping[int, int],
        acts: frozenset[tuple[Act, int]],
        cells: Mapping[int, int] | None = None,
    ) -> None:
        """Create a campaign.

        Args:
            links: The number of links.
            messages: The ANONYMOUS messages by group.
            acts: How many times each act happened.
            cells: The cells of groups that had one at an earlier release.
        """
        self._links = links
        self._messages = messages
        self._acts = acts
        self.cells: dict[int, int | None] = dict.fromkeys(messages) | dict(cells or {})

    async def counts(self) -> counts.ReleaseCounts:
        """Return what the service would release, without noise."""
        return await counts.count_for_release(self, 1, 1, _EPSILON)  # type: ignore[arg-type]

    async def sent_by_group(
        self, _tenant: int, _campaign: int
    ) -> list[tuple[int, Purpose, Mode, int]]:
        """Return the messages: all in mode ANONYMOUS."""
        return [
            (group, purpose, Mode.ANONYMOUS, messages)
            for group, messages in self._messages.items()
            for purpose in Purpose
        ]

    async def group_cells(self, _tenant: int, _campaign: int) -> dict[int, int | None]:
        """Return the cell of each group."""
        return dict(self.cells)

    async def assign_cells(self, _tenant: int, _campaign: int, own: Sequence[int]) -> None:
        """Give groups without a cell their own, or the shared one."""
        for group, cell in self.cells.items():
            if cell is None:
                self.cells[group] = group if group in own else 0

    async def link_numbers(self, _tenant: int, _campaign: int) -> list[int]:
        """Return the links."""
        return list(range(1, self._links + 1))

    async def clicked_slots(
        self, _tenant: int, _campaign: int
    ) -> AsyncIterator[tuple[bool, dict[int, bytes]]]:
        """Yield the bitmaps of links, for people and machines."""
        for group in self.cells:
            for machine in (False, True):
                clicked: dict[int, set[int]] = {}
                for act, _times in self._acts:
                    if act.signal and act.slot is not None and act[2:] == (machine, group):
                        clicked.setdefault(act.signal, set()).add(act.slot)
                if clicked:
                    yield machine, {link: slot_bits(link, slots) for link, slots in clicked.items()}

    async def anonymous_counts(self, _tenant: int, _campaign: int) -> dict[Cell, Count]:
        """Return events and people of each live count."""
        found: Counter[Cell] = Counter()
        people: dict[Cell, set[tuple[int, int]]] = {}
        for (slot, signal, machine, group), times in self._acts:
            mode = Mode.AGGREGATE if slot is None else Mode.ANONYMOUS
            cells = [Cell(group, min(signal, 1), machine, mode)]
            cells += [Cell(0, signal, machine, mode)] if signal else []
            for cell in cells:
                found[cell] += times
                if slot is not None:
                    people.setdefault(cell, set()).add((group, slot))
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
