"""Partitions and request ids when the database's clock jumps by weeks, and back."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from hushpost_service.domain.validation import oldest_event
from hushpost_service.storage import request_ids
from hushpost_service.storage.database import Database
from hushpost_service.storage.partitions import create_partitions, drop_partitions
from hushpost_service.storage.request_ids import Method
from hushpost_service.storage.schema import migrate

TENANT = 1
START = datetime(2026, 6, 17, 12, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
async def own_database(empty_database: str) -> AsyncIterator[Database]:
    """A migrated database without partitions, for one test."""
    await migrate(empty_database)
    database = await Database.connect(empty_database, connections=4)
    yield database
    await database.close()


async def _maintain(database: Database, now: datetime) -> list[str]:
    """Create and drop partitions as the hourly jobs do; return the names of dropped ones."""
    await database.transact("test", lambda c: create_partitions(c, oldest_event(now), now))
    return await database.transact("test", lambda c: drop_partitions(c, oldest_event(now), now))


async def _claim(database: Database, request: uuid.UUID, now: datetime) -> bool:
    return await database.transact(
        "test", lambda c: request_ids.claim(c, TENANT, Method.CREATE_CAMPAIGN, request, {}, now)
    )


@pytest.mark.parametrize("jump", [16 * DAY, -16 * DAY, 100 * DAY, -100 * DAY])
async def test_request_ids_survive_a_jump(own_database: Database, jump: timedelta) -> None:
    """Ids of the last week, and those that are used meanwhile, count once after a jump and back."""
    requests = [uuid.uuid4() for _ in range(8)]
    times = [START + number * DAY for number in range(8)]
    for request, time in zip(requests, times, strict=True):
        await _maintain(own_database, time)
        assert await _claim(own_database, request, time)
    now = times[-1]
    for shift in (jump, timedelta(), jump, timedelta()):
        for _ in range(2):
            await _maintain(own_database, now + shift)
        for request in requests:
            assert not await _claim(own_database, request, now + shift)
        requests.append(uuid.uuid4())
        assert await _claim(own_database, requests[-1], now + shift)


async def test_old_request_ids_are_dropped(own_database: Database) -> None:
    """While the clock is right, ids are kept for at least one week and at most five."""
    requests = {}
    for day in range(70):
        now = START + day * DAY
        await _maintain(own_database, now)
        requests[day] = uuid.uuid4()
        assert await _claim(own_database, requests[day], now)
    async with own_database.connection("test") as connection:
        kept = await connection.fetchval("select count(distinct period) from request_ids")
    assert kept == 4
    now = START + 69 * DAY
    assert not await _claim(own_database, requests[62], now)
    assert await _claim(own_database, requests[30], now)


async def test_no_event_is_dropped(own_database: Database) -> None:
    """After a jump, months without events are dropped, months with events are not."""
    await _maintain(own_database, START)
    insert = "insert into events values (1, 1, '2026-06-01T00:00:00Z', 1, 1, 1, 0, 1, true)"
    async with own_database.connection("test") as connection:
        await connection.execute(insert)
    dropped = await _maintain(own_database, START + 100 * DAY)
    assert "events_2026_05" in dropped
    assert "events_2026_06" not in dropped
    assert "events_2026_07" in dropped
    await _maintain(own_database, START)
    async with own_database.connection("test") as connection:
        await connection.execute(insert)
        assert await connection.fetchval("select count(*) from events") == 2


async def test_dropping_waits_for_events_that_are_being_recorded(own_database: Database) -> None:
    """An event of an authority that has not followed the jump yet is not dropped."""
    await _maintain(own_database, START)
    async with own_database.connection("test") as connection:
        await connection.execute("begin")
        await connection.execute(
            "insert into events values (1, 1, '2026-06-01T00:00:00Z', 1, 1, 1, 0, 1, true)"
        )
        dropping = asyncio.create_task(_maintain(own_database, START + 100 * DAY))
        await asyncio.sleep(0.5)
        assert not dropping.done()
        await connection.execute("commit")
    assert "events_2026_06" not in await dropping
