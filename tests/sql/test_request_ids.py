"""Receipts, which make a request count once: around the turn of the week above all."""

import asyncio
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hushpost_service.storage import request_ids
from hushpost_service.storage.database import Database
from hushpost_service.storage.request_ids import PERIOD_SECONDS, Method
from tests.inspection import on
from tests.mailing import eventually

TENANT = 1
WEEK = timedelta(seconds=PERIOD_SECONDS)
SECOND, HOUR = timedelta(seconds=1), timedelta(hours=1)


def _turn() -> datetime:
    """Return the turn of a week for which there are partitions on both sides."""
    return datetime.fromtimestamp(
        (int(datetime.now(UTC).timestamp()) // PERIOD_SECONDS + 2) * PERIOD_SECONDS, UTC
    )


async def _file(pool: Database, request: uuid.UUID, now: datetime, tenant: int = TENANT) -> bool:
    """File a receipt in a transaction of its own; tell whether the request is new."""
    return await pool.transact(
        "test",
        lambda connection: request_ids.claim(connection, tenant, Method.RECORD_OPEN, request, now),
    )


@pytest.mark.parametrize(
    ("first", "later"),
    [
        (-SECOND, timedelta()),
        (-SECOND, SECOND),
        (-SECOND, HOUR - SECOND),
        (-SECOND, HOUR),
        (-SECOND, WEEK - SECOND),
        (timedelta(), HOUR),
        (timedelta(), WEEK),
        (SECOND, HOUR + SECOND),
        (HOUR, WEEK + HOUR),
        (-WEEK, WEEK - SECOND),
        (HOUR - SECOND, -SECOND),
        (2 * HOUR, HOUR / 2),
    ],
)
async def test_a_request_is_known_across_the_turn_of_the_week(
    pool: Database, first: timedelta, later: timedelta
) -> None:
    """A repetition is known, whichever side of the turn it comes on, and if clocks differ."""
    request = uuid.uuid4()
    assert await _file(pool, request, _turn() + first)
    assert not await _file(pool, request, _turn() + later)
    assert not await _file(pool, request, _turn() + later), "still"


@settings(
    max_examples=60,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
@given(
    start=st.integers(-PERIOD_SECONDS, PERIOD_SECONDS),
    waits=st.lists(st.integers(0, PERIOD_SECONDS), min_size=1, max_size=3),
)
async def test_a_request_is_known_for_a_week(pool: Database, start: int, waits: list[int]) -> None:
    """Of tries within seven days of the first, at any times, only the first is new."""
    request = uuid.uuid4()
    first = _turn() + timedelta(seconds=start)
    assert await _file(pool, request, first)
    for wait in waits:
        assert not await _file(pool, request, first + timedelta(seconds=wait))


@pytest.mark.parametrize("is_committed", [True, False])
@pytest.mark.parametrize(
    ("first", "later"),
    [(-SECOND, SECOND), (-SECOND, HOUR - SECOND), (SECOND, -SECOND), (SECOND, 2 * SECOND)],
)
async def test_two_tries_at_once_around_the_turn_are_one(
    pool: Database, migrated: str, first: timedelta, later: timedelta, *, is_committed: bool
) -> None:
    """The second try waits for the first, and is new only if that came to nothing."""
    request = uuid.uuid4()
    async with pool.connection("first") as connection:
        await connection.execute("begin")
        assert await request_ids.claim(
            connection, TENANT, Method.RECORD_OPEN, request, _turn() + first
        )
        second = asyncio.create_task(_file(pool, request, _turn() + later))
        async with on(migrated) as watching:

            async def is_waiting() -> bool:
                return bool(
                    await watching.fetchval(
                        "select exists (select from pg_locks where not granted)"
                    )
                )

            await eventually(is_waiting, "the second try waits")
        assert not second.done()
        await connection.execute("commit" if is_committed else "rollback")
    assert await second is not is_committed
    assert not await _file(pool, request, _turn() + WEEK - HOUR)


async def test_the_new_ones_of_several_requests_are_told(pool: Database) -> None:
    """Filing many answers the positions of those that had not been filed before."""
    requests = [(Method.RECORD_OPEN, uuid.uuid4()) for _ in range(5)]
    for now in (_turn() - SECOND, _turn() + SECOND, _turn() + 2 * HOUR):
        fresh = [(Method.RECORD_OPEN, uuid.uuid4()) for _ in range(2)]
        known = requests[:3] if now < _turn() else requests
        await pool.transact("t", lambda c, k=known, n=now: request_ids.claim_many(c, TENANT, k, n))  # type: ignore[misc] # bound by default
        asked = [fresh[0], *known, fresh[1]]
        answered = await pool.transact(
            "t",
            lambda c, a=asked, n=now: request_ids.claim_many(c, TENANT, a, n),  # type: ignore[misc] # as above
        )
        assert answered == {0, len(asked) - 1}


async def test_tenants_and_methods_have_receipts_of_their_own(pool: Database) -> None:
    """The same id of another tenant, or for another RPC, is another request."""
    request, now = uuid.uuid4(), _turn()

    async def is_new(tenant: int, method: Method) -> bool:
        return await pool.transact(
            "t", lambda c: request_ids.claim(c, tenant, method, request, now)
        )

    assert await is_new(1, Method.RECORD_OPEN)
    assert await is_new(2, Method.RECORD_OPEN)
    assert await is_new(1, Method.RECORD_CLICK)
    assert not await is_new(1, Method.RECORD_OPEN)


async def test_a_receipt_remembers_what_was_made(pool: Database) -> None:
    """What a request made can be found by it, on either side of the turn."""
    for moment in (_turn() - SECOND, _turn() + SECOND, _turn() + HOUR):
        request = uuid.uuid4()
        async with pool.connection("t") as connection:
            assert not await request_ids.is_claimed(
                connection, TENANT, Method.CREATE_CAMPAIGN, request
            )
            await request_ids.claim(
                connection, TENANT, Method.CREATE_CAMPAIGN, request, moment, created=42
            )
            assert await request_ids.is_claimed(connection, TENANT, Method.CREATE_CAMPAIGN, request)
            assert (
                await request_ids.created_number(
                    connection, TENANT, Method.CREATE_CAMPAIGN, request
                )
                == 42
            )


async def test_a_request_without_an_id_is_always_new(pool: Database) -> None:
    """Nothing is filed for it."""
    async with pool.connection("t") as connection:
        for _ in range(2):
            assert await request_ids.claim(connection, 77, Method.RECORD_OPEN, None, _turn())
        assert await connection.fetchval("select count(*) from request_ids where tenant = 77") == 0
