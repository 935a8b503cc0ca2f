"""Slot bitmaps in PostgreSQL behave like sets of slots."""

import asyncio
import itertools
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable

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
from hushpost_service.storage.recording import (
    clear_slots,
    lock_slot_bits,
    mark_slots,
    write,
)
from hushpost_service.storage.sql import stats as sql

TENANT = 5
_campaigns = itertools.count(1)
Mark = Callable[[Database, int, int, Iterable[int]], Awaitable[None]]
both_signals = pytest.mark.parametrize("signal", [0, 3], ids=["open", "click"])
slot_sets = st.sets(
    st.one_of(
        st.integers(0, 3 * OPEN_CHUNK_SLOTS - 1),
        st.sampled_from((0, 7, 8, OPEN_CHUNK_SLOTS - 1, OPEN_CHUNK_SLOTS, CLICK_CHUNK_SLOTS)),
    ),
    max_size=20,
)


def _by_chunk(campaign: int, signal: int, slots: Iterable[int]) -> dict[SlotKey, list[int]]:
    """Return slots by chunk."""
    chunks: defaultdict[SlotKey, list[int]] = defaultdict(list)
    for slot in slots:
        chunks[campaign, 1, signal, False, 1, slot // chunk_slots(signal)].append(slot)
    return chunks


async def _record(database: Database, campaign: int, signal: int, slots: Iterable[int]) -> None:
    """Mark slots like the recorder, with bitmaps."""
    chunks = _by_chunk(campaign, signal, slots)
    bitmaps = {key: slot_bits(signal, of_chunk) for key, of_chunk in chunks.items()}
    await database.transact("test", lambda c: write(c, TENANT, bitmaps, {}, {}))


async def _anonymize(database: Database, campaign: int, signal: int, slots: Iterable[int]) -> None:
    """Mark slots like anonymization, by their positions."""
    chunks = _by_chunk(campaign, signal, slots)
    await database.transact("test", lambda c: mark_slots(c, TENANT, chunks))


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
@pytest.mark.parametrize("mark", [_record, _anonymize])
@settings(
    max_examples=20,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
@given(first=slot_sets, second=slot_sets, cleared=slot_sets)
async def test_marking_is_union_and_clearing_is_difference(
    database: Database,
    mark: Mark,
    signal: int,
    first: set[int],
    second: set[int],
    cleared: set[int],
) -> None:
    """Marking adds slots, clearing removes slots, and neither changes any other slot."""
    campaign = next(_campaigns)
    await mark(database, campaign, signal, first)
    assert await _marked(database, campaign, signal) == first
    await mark(database, campaign, signal, second)
    assert await _marked(database, campaign, signal) == first | second
    chunks = _by_chunk(campaign, signal, cleared)
    await database.transact("test", lambda c: clear_slots(c, TENANT, chunks))
    assert await _marked(database, campaign, signal) == (first | second) - cleared


@both_signals
@pytest.mark.parametrize("mark", [_record, _anonymize])
async def test_concurrent_transactions_lose_no_slots(
    database: Database, mark: Mark, signal: int
) -> None:
    """Transactions that mark slots of the same chunks concurrently lose none of them."""
    campaign = next(_campaigns)
    slots = range(2 * chunk_slots(signal))
    parts = [set(slots[part::40]) for part in range(40)]
    await asyncio.gather(*(mark(database, campaign, signal, part) for part in parts))
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


@both_signals
async def test_concurrent_clearing_loses_nothing(database: Database, signal: int) -> None:
    """Slots that are cleared while others of the chunk are marked stay cleared, and these marked.

    A transaction that waits for a row must not change the version that it saw before.
    """
    campaign = next(_campaigns)
    slots = range(chunk_slots(signal))
    await _record(database, campaign, signal, slots[::2])
    clearing = [slots[4 * part :: 80] for part in range(20)]
    marking = [slots[2 * part + 1 :: 80] for part in range(20)]

    async def clear(part: Iterable[int]) -> None:
        chunks = _by_chunk(campaign, signal, part)
        await database.transact("test", lambda c: clear_slots(c, TENANT, chunks))

    await asyncio.gather(
        *(
            task
            for cleared, marked in zip(clearing, marking, strict=True)
            for task in (clear(cleared), _record(database, campaign, signal, marked))
        )
    )
    remaining = set(slots[::2]).union(*marking).difference(*clearing)
    assert await _marked(database, campaign, signal) == remaining


async def test_a_missing_or_empty_bitmap_is_not_stored(database: Database) -> None:
    """Clearing creates no bitmap, and deletes those that are empty then, but no others."""
    campaign = next(_campaigns)
    await _record(database, campaign, 0, [1, OPEN_CHUNK_SLOTS, OPEN_CHUNK_SLOTS + 1])
    chunks = _by_chunk(campaign, 0, [1, OPEN_CHUNK_SLOTS, 2 * OPEN_CHUNK_SLOTS])
    await database.transact("test", lambda c: clear_slots(c, TENANT, chunks))
    async with database.connection("test") as connection:
        rows = await connection.fetch(
            "select chunk, bit_count(bits) from slot_bits where tenant = $1 and campaign = $2",
            TENANT,
            campaign,
        )
    assert list(map(tuple, rows)) == [(1, 1)]


@pytest.mark.parametrize("statement", [sql.PEOPLE_BY_LINK, sql.PEOPLE_BY_LINK_OF_ONE_MODE])
async def test_people_by_link_are_added_up_over_groups_and_chunks(
    database: Database, statement: str
) -> None:
    """Slots of other modes do not count, and opens are no link."""
    campaign = next(_campaigns)
    keys: list[SlotKey] = [
        (campaign, group, signal, machine, mode, chunk)
        for group, signal, machine, mode, chunk in itertools.product(
            (1, 2), (0, 1, 2), (False, True), (1, 2), (0, 1)
        )
    ]
    counts = {key: number for number, key in enumerate(keys, 1)}
    bitmaps = {key: slot_bits(key[2], range(count)) for key, count in counts.items()}
    await database.transact("test", lambda c: write(c, TENANT, bitmaps, {}, {}))
    async with database.connection("test") as connection:
        rows = await connection.fetch(statement, TENANT, campaign, [1])
    expected: defaultdict[tuple[int, bool], int] = defaultdict(int)
    for (_, _, signal, machine, mode, _), count in counts.items():
        if signal > 0 and mode == 1:
            expected[signal, machine] += count
    assert {(signal, machine): people for signal, machine, people in rows} == expected
