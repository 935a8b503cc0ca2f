"""Slots are handed out once each, in random order."""

import asyncio
from itertools import pairwise

import pytest

from hushpost_service.domain.errors import HushpostError, Reason
from hushpost_service.tracking.slots import SlotPool


class Ledger:
    """What the database does: hands out the next numbers of each group."""

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
    """Callers at once get distinct slots, also from two processes."""
    ledger = Ledger()
    pools = [SlotPool(ledger.reserve), SlotPool(ledger.reserve)]
    taken = await asyncio.gather(
        *(pools[n % 2].take(1, 1, 1, size) for n, size in enumerate([1, 5000, 3, 4096, 100, 9000]))
    )
    slots = [slot for part in taken for slot in part]
    assert len(slots) == len(set(slots)) == 1 + 5000 + 3 + 4096 + 100 + 9000


async def test_slots_are_reserved_in_whole_blocks() -> None:
    """A block is 4,096 slots, so that small requests do not ask each time."""
    ledger = Ledger()
    pool = SlotPool(ledger.reserve)
    for _ in range(100):
        await pool.take(1, 1, 1, 10)
    await pool.take(1, 1, 1, 10_000)
    assert ledger.calls == [4096, 8192]


async def test_the_order_says_nothing() -> None:
    """Slots of a block come shuffled: a number does not tell who was earlier."""
    pool = SlotPool(Ledger().reserve)
    slots = list(await pool.take(1, 1, 1, 4096))
    assert sorted(slots) == list(range(4096))
    in_place = sum(1 for place, slot in enumerate(slots) if place == slot)
    ascending = sum(1 for one, other in pairwise(slots) if one < other)
    # About 1 and 2,047 are to be expected; these bounds fail once in 10^20 runs.
    assert in_place < 30
    assert 1800 < ascending < 2300


async def test_what_is_given_back_is_handed_out_again() -> None:
    """Slots that no message got are not lost."""
    ledger = Ledger()
    pool = SlotPool(ledger.reserve)
    pool.give_back(1, 1, await pool.take(1, 1, 1, 4096))
    assert sorted(await pool.take(1, 1, 1, 4096)) == list(range(4096))
    assert ledger.calls == [4096]


async def test_a_group_has_an_end() -> None:
    """Beyond what a slot column can hold there is a typed error, not an overflow."""
    pool = SlotPool(Ledger(2**31 - 4096).reserve)
    with pytest.raises(HushpostError) as caught:
        await pool.take(1, 1, 1, 1)
    assert caught.value.reason is Reason.LIMIT_EXCEEDED
