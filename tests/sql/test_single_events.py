"""Events of single calls are stored like those of batches."""

import itertools
import random
import time
from collections.abc import Awaitable, Callable, Sequence

import numpy as np
import pytest

from hushpost_service.domain.counters import HOUR
from hushpost_service.domain.events import Event
from hushpost_service.domain.modes import Mode
from hushpost_service.domain.verdicts import Verdict
from hushpost_service.storage.connection import Connection
from hushpost_service.storage.database import Database
from hushpost_service.storage.recording import lock_slot_bits, write
from hushpost_service.storage.single_events import write_single_events
from hushpost_service.tracking.tally import ColumnarTally, ScalarTally

TENANT = 7
HOUR_START = int(time.time() // 3600 - 3) * HOUR
"""Events are in the past, for which there are partitions also at the end of a month."""

_campaigns = itertools.count(1)

Decided = tuple[Event, Mode]
Record = Callable[[Connection, Sequence[Decided]], Awaitable[None]]


def _event(
    campaign: int, signal: int, slot: int, time: int = HOUR_START, verdict: int = 1
) -> Event:
    """Return an event of a contact that the slot implies."""
    return Event(
        campaign=campaign,
        contact=1000 + slot,
        group=1 + slot % 2,
        slot=slot,
        purpose=0,
        signal=signal,
        verdict=verdict,
        time=time,
        privacy_signal=False,
        repeated=False,
        created=0,
    )


def _random_commit(campaign: int, rng: random.Random) -> list[Decided]:
    """Return events in all modes, some of them of the same slot, over two hours."""
    return [
        (
            _event(
                campaign,
                rng.randrange(3),
                rng.choice([0, 1, 2, 4095, 4096, 16_383, 16_384, 40_000]),
                HOUR_START + rng.randrange(2 * HOUR),
                rng.choice(list(Verdict)),
            ),
            rng.choice(list(Mode)),
        )
        for _ in range(rng.randint(1, 30))
    ]


async def _record_singles(connection: Connection, events: Sequence[Decided]) -> None:
    tally = ScalarTally(events)
    if tally.counts:
        await write_single_events(connection, TENANT, tally.events, tally.identified_keys())


async def _record_batch(connection: Connection, events: Sequence[Decided]) -> None:
    rows = np.array([event for event, _ in events], np.int64)
    tally = ColumnarTally(rows, np.array([mode for _, mode in events], np.int64))
    if tally.counts:
        marked = (
            await lock_slot_bits(connection, TENANT, keys)
            if (keys := tally.identified_keys())
            else {}
        )
        columns, first = tally.identified(marked)
        await write(connection, TENANT, tally.slots, tally.counts, first, columns)


async def _commit(
    database: Database, events: Sequence[Decided], record: Record = _record_singles
) -> None:
    await database.transact("test", lambda connection: record(connection, events))


async def _stored(connection: Connection, campaign: int) -> list[list[tuple[object, ...]]]:
    """Return all that is stored of a campaign, without its number."""
    statements = (
        "select contact, event_time, group_number, slot, signal, verdict, is_first from events",
        "select group_number, signal, machine, mode, hour, events, first_events from counters",
        "select group_number, signal, machine, mode, chunk, bits::text from slot_bits",
    )
    tables = []
    for statement in statements:
        rows = await connection.fetch(
            f"{statement} where tenant = $1 and campaign = $2", TENANT, campaign
        )
        tables.append(sorted(map(tuple, rows)))
    return tables


@pytest.mark.parametrize("seed", range(5))
async def test_single_events_are_stored_like_a_batch(database: Database, seed: int) -> None:
    """Commits of the same events by both ways leave the same rows, counters and bitmaps."""
    stored = []
    for record in (_record_singles, _record_batch):
        rng = random.Random(seed)  # noqa: S311 - repeatable, not secret
        campaign = next(_campaigns)
        for _ in range(12):
            await _commit(database, _random_commit(campaign, rng), record)
        async with database.connection("test") as connection:
            stored.append(await _stored(connection, campaign))
    singles, batches = stored
    assert singles == batches
    assert all(singles)


async def test_the_first_event_is_the_earliest_of_a_new_slot(database: Database) -> None:
    """A slot has one first event, the earliest of its first commit, also if it is listed last."""
    campaign = next(_campaigns)
    commits = [[3, 2, 1], [0, 4]]
    for times in commits:
        await _commit(
            database, [(_event(campaign, 1, 5, HOUR_START + t), Mode.IDENTIFIED) for t in times]
        )
    async with database.connection("test") as connection:
        events, counters, _ = await _stored(connection, campaign)
    assert [event[-1] for event in events] == [False, True, False, False, False]
    assert [counter[-2:] for counter in counters] == [(5, 1)]


async def test_a_deleted_bitmap_is_inserted_again(database: Database) -> None:
    """An opt-out may delete a bitmap that the recorder has used before; the commit inserts it."""
    campaign = next(_campaigns)
    events = [
        (_event(campaign, 1, 0), Mode.IDENTIFIED),
        (_event(campaign, 1, 2), Mode.ANONYMOUS),
        (_event(campaign, 1, 4), Mode.AGGREGATE),
    ]
    await _commit(database, events)
    async with database.connection("test") as connection:
        deleted = await connection.execute(
            "delete from slot_bits where tenant = $1 and campaign = $2 and mode = 1",
            TENANT,
            campaign,
        )
    await _commit(database, events)
    async with database.connection("test") as connection:
        _, counters, bitmaps = await _stored(connection, campaign)
    assert deleted == "DELETE 1"
    assert [counter[3:] for counter in counters] == [
        (1, HOUR_START // HOUR, 2, 2),
        (2, 0, 2, 0),
        (3, 0, 2, 0),
    ]
    assert [(bitmap[3], str(bitmap[-1]).count("1")) for bitmap in bitmaps] == [(1, 1), (2, 1)]


@pytest.mark.parametrize(("mode", "locks"), [(Mode.IDENTIFIED, True), (Mode.AGGREGATE, False)])
async def test_only_identified_events_lock_a_bitmap(
    database: Database, mode: Mode, *, locks: bool
) -> None:
    """An event that must not name its slot leaves no lock on the bitmap of the slot either."""
    campaign = next(_campaigns)
    event = _event(campaign, 1, 6)
    await _commit(database, [(event, Mode.IDENTIFIED)])
    async with database.connection("test") as connection:
        transaction = connection.transaction()
        await transaction.start()
        await _record_singles(connection, [(event, mode)])
        is_locked = await connection.fetchval(
            "select xmax::text = pg_current_xact_id()::text from slot_bits"
            " where tenant = $1 and campaign = $2 and mode = 1",
            TENANT,
            campaign,
        )
        await transaction.rollback()
    assert is_locked is locks
