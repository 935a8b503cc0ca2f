"""Hands out slots: random numbers that tell the messages of a group apart.

A process reserves blocks of slots in the database, shuffles each block in memory, and
hands them out. The slot of a contact is never stored. Slots that a crash loses are gaps,
which are harmless.

The blocks are chosen at random, not one after the other: a database that is restored from
a backup does not know the blocks reserved since, and would hand out their slots again.
Of l lost blocks and n new ones, l * n / 524,288 coincide on average: for 100,000
messages after the backup and 100,000 after the restore, one block in 1 of 800 restores.
Messages that share a slot count as one person.
"""

import asyncio
import os
from array import array
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from random import SystemRandom

from hushpost_service.bounded_cache import BoundedCache
from hushpost_service.domain.counters import CHUNK_SLOTS
from hushpost_service.domain.errors import HushpostError, Reason

__all__ = ["SlotPool"]

_RANDOM = SystemRandom()

_GROUPS = 1000
"""Groups whose reserved slots are cached: 16 MiB at 16 KiB per block."""

_BLOCKS = 2**31 // CHUNK_SLOTS
"""Blocks of a group; the column is a signed 32-bit integer."""

_ATTEMPTS = 50
"""Enough to find free blocks while a group has less than a billion slots in use."""

Reserve = Callable[[int, int, int, list[int]], Awaitable[bool]]
"""Reserves blocks of slots for (tenant, campaign, group); returns False if one is reserved."""


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
        """Return `count` slots of a group. Raises LIMIT_EXCEEDED if none are left."""
        reserved = self._groups.get((campaign, group))
        if reserved is None:
            reserved = self._groups[campaign, group] = _Reserved()
        async with reserved.lock:
            missing = count - len(reserved.slots)
            if missing > 0:
                blocks = await self._new_blocks(tenant, campaign, group, -(-missing // CHUNK_SLOTS))
                # In front, so that older blocks are used up first.
                for block in blocks:
                    reserved.slots[:0] = array("I", _shuffled(block))
            taken = reserved.slots[-count:] if count else array("I")
            del reserved.slots[len(reserved.slots) - count :]
            return taken

    async def _new_blocks(self, tenant: int, campaign: int, group: int, count: int) -> list[int]:
        for _ in range(_ATTEMPTS):
            blocks = _RANDOM.sample(range(_BLOCKS), count)
            if await self._reserve(tenant, campaign, group, blocks):
                return blocks
        raise HushpostError(
            Reason.LIMIT_EXCEEDED,
            "the group has no slots left; use another group",
            {"field": "contact_ids", "limit": str(2**30)},
        )

    def give_back(self, campaign: int, group: int, slots: "array[int]") -> None:
        """Return unused slots to the pool."""
        reserved = self._groups.get((campaign, group))
        if reserved is not None:
            reserved.slots.extend(slots)


def _shuffled(block: int) -> list[int]:
    """Return the slots of a block sorted by random 64-bit keys from the operating system."""
    slots = range(block * CHUNK_SLOTS, (block + 1) * CHUNK_SLOTS)
    keys = dict(zip(slots, array("Q", os.urandom(8 * len(slots))), strict=True))
    return sorted(slots, key=keys.__getitem__)
