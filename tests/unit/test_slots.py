"""The pool hands out each slot once, in random order."""

import asyncio
from itertools import pairwise

import pytest

from hushpost_service.domain.errors import HushpostError, Reason
from hushpost_service.tracking.slots import SlotPool


class Ledger:
    """Reserves consecutive numbers per group, as the database does."""

    def __init__(self, first: int = 0) -> None:
        self.next = first
        self.calls: list[int] = []

    async def reserve(self, _tenant: int, _campaign: int, _group: int, count: int) -> int:
        """Reserve numbers."""
        self.calls.append(count)
        await asyncio.sleep(0)
        first, self.next = self.next, self.next + count
        return first


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
    assert ledger.calls == [4096, 8192]


async def test_the_order_of_slots_is_random() -> None:
    """The slots of a block are shuffled, so that a slot does not reveal the order of issue."""
    pool = SlotPool(Ledger().reserve)
    slots = list(await pool.take(1, 1, 1, 4096))
    assert sorted(slots) == list(range(4096))
    in_place = sum(1 for place, slot in enumerate(slots) if place == slot)
    ascending = sum(1 for one, other in pairwise(slots) if one < other)
    # About 1 and 2,047 are expected; these bounds fail once in 10^20 runs.
    assert in_place < 30
    assert 1800 < ascending < 2300


async def test_returned_slots_are_reused() -> None:
    """Slots returned to the pool are handed out again."""
    ledger = Ledger()
    pool = SlotPool(ledger.reserve)
    pool.give_back(1, 1, await pool.take(1, 1, 1, 4096))
    assert sorted(await pool.take(1, 1, 1, 4096)) == list(range(4096))
    assert ledger.calls == [4096]


async def test_an_exhausted_group_is_an_error() -> None:
    """A group without slots left raises LIMIT_EXCEEDED instead of overflowing."""
    pool = SlotPool(Ledger(2**31 - 4096).reserve)
    with pytest.raises(HushpostError) as caught:
        await pool.take(1, 1, 1, 1)
    assert caught.value.reason is Reason.LIMIT_EXCEEDED
