"""The pool hands out each slot once, in random order."""

import asyncio
from collections.abc import Sequence
from itertools import pairwise

import pytest

from hushpost_service.domain.errors import HushpostError, Reason
from hushpost_service.tracking.slots import SlotPool


class Ledger:
    """Reserves blocks per group, as the database does."""

    def __init__(self) -> None:
        self.reserved: set[int] = set()
        self.calls: list[int] = []

    async def reserve(
        self, _tenant: int, _campaign: int, _group: int, blocks: Sequence[int]
    ) -> bool:
        """Reserve blocks unless one is reserved."""
        await asyncio.sleep(0)
        if not self.reserved.isdisjoint(blocks):
            return False
        self.calls.append(len(blocks))
        self.reserved.update(blocks)
        return True


async def test_no_slot_is_handed_out_twice() -> None:
    """Concurrent callers get distinct slots, also in two processes."""
    ledger = Ledger()
    pools = [SlotPool(ledger.reserve), SlotPool(ledger.reserve)]
    taken = await asyncio.gather(
        *(pools[n % 2].take(1, 1, 1, size) for n, size in enumerate([1, 5000, 3, 4096, 100, 9000]))
    )
    slots = [slot for part in taken for slot in part]
    assert len(slots) == len(set(slots)) == 1 + 5000 + 3 + 4096 + 100 + 9000


async def test_slots_are_reserved_in_whole_blocks() -> None:
    """A block has 4,096 slots, so that small requests share one reservation."""
    ledger = Ledger()
    pool = SlotPool(ledger.reserve)
    for _ in range(100):
        await pool.take(1, 1, 1, 10)
    await pool.take(1, 1, 1, 10_000)
    assert ledger.calls == [1, 2]


async def test_the_order_of_slots_is_random() -> None:
    """The slots of a block are shuffled, so that a slot does not reveal the order of issue."""
    ledger = Ledger()
    slots = list(await SlotPool(ledger.reserve).take(1, 1, 1, 4096))
    (block,) = ledger.reserved
    assert sorted(slots) == list(range(block * 4096, (block + 1) * 4096))
    in_place = sum(1 for place, slot in enumerate(slots) if place == slot)
    ascending = sum(1 for one, other in pairwise(slots) if one < other)
    # About 1 and 2,047 are expected; these bounds fail once in 10^20 runs.
    assert in_place < 30
    assert 1800 < ascending < 2300


async def test_returned_slots_are_reused() -> None:
    """Slots returned to the pool are handed out again."""
    ledger = Ledger()
    pool = SlotPool(ledger.reserve)
    slots = await pool.take(1, 1, 1, 4096)
    pool.give_back(1, 1, slots)
    assert sorted(await pool.take(1, 1, 1, 4096)) == sorted(slots)
    assert ledger.calls == [1]


async def test_a_restored_database_does_not_repeat_slots() -> None:
    """Without the knowledge of earlier blocks, the blocks and slots are others."""
    before, after = Ledger(), Ledger()
    slots = [set(await SlotPool(each.reserve).take(1, 1, 1, 100)) for each in (before, after)]
    # Fails once in 524,288 runs.
    assert slots[0].isdisjoint(slots[1])


async def test_slots_fit_a_signed_32_bit_integer() -> None:
    """Blocks come from the whole range of the column, and from nowhere else."""
    ledger = Ledger()
    for group in range(100):
        await SlotPool(ledger.reserve).take(1, 1, group, 1)
    assert 2**18 < max(ledger.reserved) < 2**19
    assert 0 <= min(ledger.reserved) < 2**18


async def test_an_exhausted_group_is_an_error() -> None:
    """A group without free blocks raises LIMIT_EXCEEDED instead of repeating slots."""
    ledger = Ledger()
    ledger.reserved.update(range(2**19))
    with pytest.raises(HushpostError) as caught:
        await SlotPool(ledger.reserve).take(1, 1, 1, 1)
    assert caught.value.reason is Reason.LIMIT_EXCEEDED
