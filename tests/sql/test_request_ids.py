"""Request ids make a retried request count once, also when a new period begins in between."""

import asyncio
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hushpost_service.domain.errors import HushpostError, Reason
from hushpost_service.storage import request_ids
from hushpost_service.storage.database import Database
from hushpost_service.storage.request_ids import PERIOD_SECONDS, Method
from tests.inspection import on
from tests.mailing import eventually

TENANT = 1
METHOD = Method.SET_PREFERENCE
CONTENT = {"contact_id": "ann"}
WEEK = timedelta(seconds=PERIOD_SECONDS)
SECOND, HOUR = timedelta(seconds=1), timedelta(hours=1)


def _period_start() -> datetime:
    """Return the start of a period that has partitions before and after it."""
    return datetime.fromtimestamp(
        (int(datetime.now(UTC).timestamp()) // PERIOD_SECONDS + 2) * PERIOD_SECONDS, UTC
    )


async def _claim(
    database: Database, request: uuid.UUID, now: datetime, tenant: int = TENANT
) -> bool:
    """Claim a request id in a transaction; return whether it is new."""
    return await database.transact(
        "test",
        lambda connection: request_ids.claim(connection, tenant, METHOD, request, CONTENT, now),
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
async def test_a_retry_in_another_period_is_not_new(
    database: Database, first: timedelta, later: timedelta
) -> None:
    """A retry is recognized on either side of a period's start, even if clocks differ."""
    request = uuid.uuid4()
    assert await _claim(database, request, _period_start() + first)
    assert not await _claim(database, request, _period_start() + later)
    assert not await _claim(database, request, _period_start() + later), "third attempt"


@settings(
    max_examples=60,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
@given(
    start=st.integers(-PERIOD_SECONDS, PERIOD_SECONDS),
    delays=st.lists(st.integers(0, PERIOD_SECONDS), min_size=1, max_size=3),
)
async def test_a_retry_within_a_week_is_not_new(
    database: Database, start: int, delays: list[int]
) -> None:
    """Of several attempts within seven days, only the first is new."""
    request = uuid.uuid4()
    first = _period_start() + timedelta(seconds=start)
    assert await _claim(database, request, first)
    for delay in delays:
        assert not await _claim(database, request, first + timedelta(seconds=delay))


@pytest.mark.parametrize("is_committed", [True, False])
@pytest.mark.parametrize(
    ("first", "later"),
    [(-SECOND, SECOND), (-SECOND, HOUR - SECOND), (SECOND, -SECOND), (SECOND, 2 * SECOND)],
)
async def test_a_concurrent_retry_waits_for_the_first_attempt(
    database: Database,
    migrated_database: str,
    first: timedelta,
    later: timedelta,
    *,
    is_committed: bool,
) -> None:
    """A concurrent retry waits for the first attempt, and is new only if that rolls back."""
    request = uuid.uuid4()
    start = _period_start()
    async with database.connection("first") as connection:
        await connection.execute("begin")
        assert await request_ids.claim(connection, TENANT, METHOD, request, CONTENT, start + first)
        retry = asyncio.create_task(_claim(database, request, start + later))
        async with on(migrated_database) as observer:

            async def is_waiting() -> bool:
                return bool(
                    await observer.fetchval(
                        "select exists (select from pg_locks where not granted)"
                    )
                )

            await eventually(is_waiting, "the retry waits")
        assert not retry.done()
        await connection.execute("commit" if is_committed else "rollback")
    assert await retry is not is_committed
    assert not await _claim(database, request, _period_start() + WEEK - HOUR)


@pytest.mark.parametrize(
    ("first", "later"),
    [
        (-SECOND, SECOND),
        (SECOND, -SECOND),
        (-SECOND, 2 * HOUR),
        (HOUR, WEEK),
        (2 * HOUR, HOUR / 2),
        (2 * HOUR, 3 * HOUR),
    ],
)
async def test_an_id_with_other_content_is_an_error(
    database: Database, first: timedelta, later: timedelta
) -> None:
    """Other content is an error on either side of a period's start, and stores nothing."""
    request = uuid.uuid4()
    assert await _claim(database, request, _period_start() + first)
    for _ in range(2):
        with pytest.raises(HushpostError) as caught:
            await database.transact(
                "test",
                lambda c: request_ids.claim(
                    c, TENANT, METHOD, request, {"contact_id": "bob"}, _period_start() + later
                ),
            )
        assert caught.value.reason is Reason.REQUEST_ID_REUSED
    assert not await _claim(database, request, _period_start() + later), "the content is the first"


async def test_request_ids_are_separate_by_tenant_and_method(database: Database) -> None:
    """The same id of another tenant, or for another RPC, is a new request."""
    request, now = uuid.uuid4(), _period_start()

    async def is_new(tenant: int, method: Method) -> bool:
        return await database.transact(
            "test", lambda c: request_ids.claim(c, tenant, method, request, CONTENT, now)
        )

    assert await is_new(1, Method.RECORD_OPEN)
    assert await is_new(2, Method.RECORD_OPEN)
    assert await is_new(1, Method.RECORD_CLICK)
    assert not await is_new(1, Method.RECORD_OPEN)


@pytest.mark.parametrize("first", [-SECOND, SECOND, HOUR / 2, 2 * HOUR])
@pytest.mark.parametrize("later", [SECOND, HOUR / 2, 2 * HOUR])
async def test_the_number_of_what_a_request_created_is_stored(
    database: Database, first: timedelta, later: timedelta
) -> None:
    """A repetition finds the number that the first attempt created, also around a period's start."""
    method, request, start = Method.CREATE_CAMPAIGN, uuid.uuid4(), _period_start()
    async with database.connection("test") as connection:
        assert not await request_ids.is_claimed(connection, TENANT, method, request)
        await request_ids.claim(connection, TENANT, method, request, CONTENT, start + first, 42)
        assert await request_ids.is_claimed(connection, TENANT, method, request)
        assert await request_ids.created_number(connection, TENANT, method, request) == 42
        assert not await request_ids.claim(
            connection, TENANT, method, request, CONTENT, start + later, 43
        )
        assert await request_ids.created_number(connection, TENANT, method, request, 43) == 42


async def test_a_request_without_an_id_is_always_new(database: Database) -> None:
    """A request without an id is always new, and stores no row."""
    method = Method.RECORD_OPEN
    async with database.connection("test") as connection:
        for _ in range(2):
            assert await request_ids.claim(connection, 77, method, None, CONTENT, _period_start())
        rows = await connection.fetchval("select count(*) from request_ids where tenant = 77")
    assert rows == 0


async def test_a_stored_row_has_neither_the_id_nor_the_content(database: Database) -> None:
    """A row has hashes: neither a time in the id nor the content can be read from it."""
    content, request_id = {"contact_id": "ann@example.com"}, uuid.uuid1()
    async with database.connection("test") as connection:
        await request_ids.claim(connection, 78, METHOD, request_id, content, _period_start())
        rows = await connection.fetch("select * from request_ids where tenant = 78")
    stored = {value for row in rows for value in row.values()}
    assert request_id not in stored
    (digest,) = {value for value in stored if isinstance(value, bytes)}
    assert len(digest) == 16
    assert b"ann" not in digest
