"""Slot bits as PostgreSQL keeps them."""

import asyncio
import itertools
from collections import defaultdict
from collections.abc import Iterable

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hushpost_service.domain.counters import CHUNK_SLOTS, SlotKey, has_slot, slot_bits
from hushpost_service.storage.database import Database
from hushpost_service.storage.recording import clear_slot_bits, lock_slot_bits, write

TENANT = 5
_campaigns = itertools.count(1)
slots = st.sets(
    st.one_of(
        st.integers(0, 3 * CHUNK_SLOTS - 1),
        st.sampled_from((0, 7, 8, CHUNK_SLOTS - 1, CHUNK_SLOTS, 2 * CHUNK_SLOTS)),
    ),
    max_size=20,
)


def _by_chunk(campaign: int, marked: Iterable[int]) -> dict[SlotKey, bytes]:
    chunks: defaultdict[SlotKey, list[int]] = defaultdict(list)
    for slot in marked:
        chunks[campaign, 1, 0, False, 1, slot // CHUNK_SLOTS].append(slot)
    return {key: slot_bits(of_chunk) for key, of_chunk in chunks.items()}


async def _merge(pool: Database, campaign: int, marked: Iterable[int]) -> None:
    chunks = _by_chunk(campaign, marked)
    await pool.transact("t", lambda c: write(c, TENANT, chunks, {}, {}))


async def _seen(pool: Database, campaign: int) -> set[int]:
    """Return the slots whose bits are set, asked of the service and of PostgreSQL."""
    keys: list[SlotKey] = [(campaign, 1, 0, False, 1, chunk) for chunk in range(3)]
    found = await pool.transact("t", lambda c: lock_slot_bits(c, TENANT, keys))
    seen = {
        key[5] * CHUNK_SLOTS + slot
        for key, bits in found.items()
        for slot in range(CHUNK_SLOTS)
        if has_slot(bits, slot)
    }
    async with pool.connection("t") as connection:
        rows = await connection.fetch(
            "select chunk * 4096 + place from slot_bits, generate_series(0, 4095) as place"
            " where tenant = $1 and campaign = $2 and get_bit(bits, place) = 1",
            TENANT,
            campaign,
        )
        people = await connection.fetchval(
            "select sum(bit_count(bits)) from slot_bits where tenant = $1 and campaign = $2",
            TENANT,
            campaign,
        )
    assert seen == {slot for (slot,) in rows}
    assert (people or 0) == len(seen)
    return seen


@settings(
    max_examples=40,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
@given(first=slots, second=slots, cleared=slots)
async def test_bits_are_a_set(
    pool: Database, first: set[int], second: set[int], cleared: set[int]
) -> None:
    """Merging adds slots, clearing takes them away, and both leave every other slot alone."""
    campaign = next(_campaigns)
    await _merge(pool, campaign, first)
    assert await _seen(pool, campaign) == first
    await _merge(pool, campaign, second)
    assert await _seen(pool, campaign) == first | second
    chunks = _by_chunk(campaign, cleared)
    await pool.transact("t", lambda c: clear_slot_bits(c, TENANT, chunks))
    assert await _seen(pool, campaign) == (first | second) - cleared


async def test_merging_at_once_loses_nothing(pool: Database) -> None:
    """Many transactions that mark slots of the same chunks lose none of them."""
    campaign = next(_campaigns)
    parts = [set(range(part, 2 * CHUNK_SLOTS, 40)) for part in range(40)]
    await asyncio.gather(*(_merge(pool, campaign, part) for part in parts))
    assert await _seen(pool, campaign) == set(range(2 * CHUNK_SLOTS))


async def test_bits_of_another_kind_are_others(pool: Database) -> None:
    """Group, signal, machine and mode each have bits of their own, and so has each tenant."""
    campaign = next(_campaigns)
    keys: list[SlotKey] = [
        (campaign, group, signal, machine, mode, 0)
        for group, signal, machine, mode in itertools.product((1, 2), (0, 1), (False, True), (1, 2))
    ]
    marked = {key: slot_bits([number]) for number, key in enumerate(keys)}
    await pool.transact("t", lambda c: write(c, TENANT, marked, {}, {}))
    identified = [key for key in keys if key[4] == 1]
    found = await pool.transact("t", lambda c: lock_slot_bits(c, TENANT, identified))
    assert found == {key: marked[key] for key in identified}
    others = await pool.transact("t", lambda c: lock_slot_bits(c, TENANT + 1, identified))
    assert set(others) == set(identified)
    assert not any(any(bits) for bits in others.values())
