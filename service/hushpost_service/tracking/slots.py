"""Hands out slots: random numbers that tell the messages of a group apart.

A process reserves blocks of slots in the database, shuffles each block in memory, and
hands them out. The slot of a contact is never stored. Slots that a crash loses are gaps,
which are harmless.
"""

import asyncio
import os
from array import array
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from hushpost_service.bounded_cache import BoundedCache
from hushpost_service.domain.counters import CHUNK_SLOTS
from hushpost_service.domain.errors import HushpostError, Reason

__all__ = ["SlotPool"]

_GROUPS = 1000
"""Groups whose reserved slots are cached: 16 MiB at 16 KiB per block."""

_MAX_SLOTS = 2**31 - 1
"""Slots of a group; the column is a signed 32-bit integer."""

Reserve = Callable[[int, int, int, int], Awaitable[int]]
"""Reserves consecutive slots for (tenant, campaign, group, count); returns the first."""


@dataclass(slots=True, eq=False)
class _Reserved:
    slots: "array[int]" = field(default_factory=lambda: array("I"))
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class SlotPool:
    """Hands out each slot of a group once, in random order."""

    def __init__(self, reserve: Reserve) -> None:
        self._reserve = reserve
        self._groups: BoundedCache[tuple[int, int], _Reserved] = BoundedCache(_GROUPS)

    async def take(self, tenant: int, campaign: int, group: int, count: int) -> "array[int]":
        """Return `count` slots of a group. Raises LIMIT_EXCEEDED after two billion."""
        reserved = self._groups.get((campaign, group))
        if reserved is None:
            reserved = self._groups[campaign, group] = _Reserved()
        async with reserved.lock:
            missing = count - len(reserved.slots)
            if missing > 0:
                blocks = -(-missing // CHUNK_SLOTS)
                first = await self._reserve(tenant, campaign, group, blocks * CHUNK_SLOTS)
                _add_blocks(reserved.slots, first, blocks)
            taken = reserved.slots[-count:] if count else array("I")
            del reserved.slots[len(reserved.slots) - count :]
            return taken

    def give_back(self, campaign: int, group: int, slots: "array[int]") -> None:
        """Return unused slots to the pool."""
        reserved = self._groups.get((campaign, group))
        if reserved is not None:
            reserved.slots.extend(slots)


def _add_blocks(slots: "array[int]", first: int, blocks: int) -> None:
    """Insert shuffled blocks in front, so that older blocks are used up first."""
    if first + blocks * CHUNK_SLOTS > _MAX_SLOTS:
        raise HushpostError(
            Reason.LIMIT_EXCEEDED,
            "the group has no slots left; use another group",
            {"field": "contact_ids", "limit": str(_MAX_SLOTS)},
        )
    for block in range(first, first + blocks * CHUNK_SLOTS, CHUNK_SLOTS):
        slots[:0] = array("I", _shuffled(range(block, block + CHUNK_SLOTS)))


def _shuffled(slots: range) -> list[int]:
    """Return the slots sorted by random 64-bit keys from the operating system."""
    keys = dict(zip(slots, array("Q", os.urandom(8 * len(slots))), strict=True))
    return sorted(slots, key=keys.__getitem__)
