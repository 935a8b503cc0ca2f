"""Slot bitmaps in PostgreSQL behave like sets of slots."""

import asyncio
import itertools
from collections import defaultdict
from collections.abc import Iterable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hushpost_service.domain.counters import (
    CLICK_CHUNK_SLOTS,
    OPEN_CHUNK_SLOTS,
    SlotKey,
    chunk_slots,
    has_slot,
    slot_bits,
)
from hushpost_service.storage.database import Database
from hushpost_service.storage.recording import clear_slot_bits, lock_slot_bits, write

TENANT = 5
_campaigns = itertools.count(1)
both_signals = pytest.mark.parametrize("signal", [0, 3], ids=["open", "click"])
slot_sets = st.sets(
    st.one_of(
        st.integers(0, 3 * OPEN_CHUNK_SLOTS - 1),
        st.sampled_from((0, 7, 8, OPEN_CHUNK_SLOTS - 1, OPEN_CHUNK_SLOTS, CLICK_CHUNK_SLOTS)),
    ),
    max_size=20,
)


def _bitmaps(campaign: int, signal: int, slots: Iterable[int]) -> dict[SlotKey, bytes]:
    """Return the bitmaps of slots by chunk."""
    chunks: defaultdict[SlotKey, list[int]] = defaultdict(list)
    for slot in slots:
        chunks[campaign, 1, signal, False, 1, slot // chunk_slots(signal)].append(slot)
    return {key: slot_bits(signal, of_chunk) for key, of_chunk in chunks.items()}


async def _mark(database: Database, campaign: int, signal: int, slots: Iterable[int]) -> None:
    bitmaps = _bitmaps(campaign, signal, slots)
    await database.transact("test", lambda c: write(c, TENANT, bitmaps, {}, {}))


async def _marked(database: Database, campaign: int, signal: int) -> set[int]:
    """Return the marked slots, after checking that PostgreSQL and Python agree on them."""
    keys: list[SlotKey] = [(campaign, 1, signal, False, 1, chunk) for chunk in range(5)]
    bitmaps = await database.transact("test", lambda c: lock_slot_bits(c, TENANT, keys))
    marked = {
        key[5] * len(bits) * 8 + slot
        for key, bits in bitmaps.items()
        for slot in range(len(bits) * 8)
        if has_slot(bits, slot)
    }
    async with database.connection("test") as connection:
        rows = await connection.fetch(
            "select chunk * length(bits) + place"
            " from slot_bits, generate_series(0, length(bits) - 1) as place"
            " where tenant = $1 and campaign = $2 and get_bit(bits, place) = 1",
            TENANT,
            campaign,
        )
        count = await connection.fetchval(
            "select sum(bit_count(bits)) from slot_bits where tenant = $1 and campaign = $2",
            TENANT,
            campaign,
        )
    assert marked == {slot for (slot,) in rows}
    assert (count or 0) == len(marked)
    return marked


@both_signals
@settings(
    max_examples=20,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
@given(first=slot_sets, second=slot_sets, cleared=slot_sets)
async def test_marking_is_union_and_clearing_is_difference(
    database: Database, signal: int, first: set[int], second: set[int], cleared: set[int]
) -> None:
    """Marking adds slots, clearing removes slots, and neither changes any other slot."""
    campaign = next(_campaigns)
    await _mark(database, campaign, signal, first)
    assert await _marked(database, campaign, signal) == first
    await _mark(database, campaign, signal, second)
    assert await _marked(database, campaign, signal) == first | second
    bitmaps = _bitmaps(campaign, signal, cleared)
    await database.transact("test", lambda c: clear_slot_bits(c, TENANT, bitmaps))
    assert await _marked(database, campaign, signal) == (first | second) - cleared


@both_signals
async def test_concurrent_transactions_lose_no_slots(database: Database, signal: int) -> None:
    """Transactions that mark slots of the same chunks concurrently lose none of them."""
    campaign = next(_campaigns)
    slots = range(2 * chunk_slots(signal))
    parts = [set(slots[part::40]) for part in range(40)]
    await asyncio.gather(*(_mark(database, campaign, signal, part) for part in parts))
    assert await _marked(database, campaign, signal) == set(slots)


async def test_bitmaps_are_separate_by_key(database: Database) -> None:
    """Each tenant, group, signal, machine flag and mode has its own bitmap."""
    campaign = next(_campaigns)
    keys: list[SlotKey] = [
        (campaign, group, signal, machine, mode, 0)
        for group, signal, machine, mode in itertools.product((1, 2), (0, 1), (False, True), (1, 2))
    ]
    bitmaps = {key: slot_bits(key[2], [number]) for number, key in enumerate(keys)}
    await database.transact("test", lambda c: write(c, TENANT, bitmaps, {}, {}))
    identified = [key for key in keys if key[4] == 1]
    found = await database.transact("test", lambda c: lock_slot_bits(c, TENANT, identified))
    assert found == {key: bitmaps[key] for key in identified}
    of_other_tenant = await database.transact(
        "test", lambda c: lock_slot_bits(c, TENANT + 1, identified)
    )
    assert set(of_other_tenant) == set(identified)
    assert not any(any(bits) for bits in of_other_tenant.values())
