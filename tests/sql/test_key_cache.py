"""The cache of valid API keys."""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator

import pytest

from hushpost_service.admin.auth import Authenticator
from hushpost_service.admin.secret import new_secret, secret_hash
from hushpost_service.domain.errors import HushpostError, Reason
from hushpost_service.domain.roles import Role
from hushpost_service.storage.api_keys import NewApiKey, insert_api_key
from hushpost_service.storage.database import Database
from tests.inspection import Connection, on
from tests.waiting import eventually, until

PEER = "ipv4:192.0.2.1:1"


@pytest.fixture
async def pool(migrated_database: str) -> AsyncIterator[Database]:
    """A pool that a test may close."""
    opened = await Database.connect(migrated_database, connections=4)
    yield opened
    await opened.close()


async def _key(database: Database) -> str:
    """Create a key; return its `authorization` header."""
    secret = new_secret()
    new = NewApiKey(role=Role.EDGE, display_name="", create_actor="test")
    async with database.connection("test") as connection:
        await insert_api_key(connection, new, secret_hash(secret))
    return f"Bearer {secret}"


async def _look_ups(blocker: Connection) -> int:
    """Return how many statements wait for the lock on the table of keys."""
    waiting: int = await blocker.fetchval(
        "select count(*) from pg_locks where not granted and relation = 'api_keys'::regclass"
    )
    return waiting


async def test_a_cached_key_is_not_used_longer_than_its_checks_succeed(pool: Database) -> None:
    """Without a database, a cached key counts for a second and then as unavailable."""
    authenticator = Authenticator(pool, time.monotonic)
    header = await _key(pool)
    await authenticator.caller(header, PEER)
    checks = asyncio.create_task(authenticator.run_forever())
    await asyncio.sleep(1.5)
    await until(lambda: bool(authenticator.cached(header, PEER)))  # checks keep it valid
    await pool.close()
    await until(lambda: authenticator.cached(header, PEER) is None)
    with pytest.raises(HushpostError) as caught:
        await authenticator.caller(header, PEER)
    assert caught.value.reason is Reason.DATABASE_UNAVAILABLE
    checks.cancel()
    await asyncio.gather(checks, return_exceptions=True)


async def test_calls_with_the_same_new_key_share_a_look_up(
    pool: Database, migrated_database: str
) -> None:
    """A thousand first calls with a key cost one query."""
    authenticator = Authenticator(pool, time.monotonic)
    header = await _key(pool)
    async with on(migrated_database) as blocker, blocker.transaction():
        await blocker.execute("lock api_keys in access exclusive mode")
        calls = [asyncio.create_task(authenticator.caller(header, PEER)) for _ in range(1000)]
        await eventually(lambda: _look_ups(blocker), 1)
        await asyncio.sleep(0.1)
        assert await _look_ups(blocker) == 1
    assert len({id(caller) for caller in await asyncio.gather(*calls)}) == 1


async def test_a_caller_that_goes_away_does_not_fail_the_others(
    pool: Database, migrated_database: str
) -> None:
    """The look-up continues for the calls that still wait for it."""
    authenticator = Authenticator(pool, time.monotonic)
    header = await _key(pool)
    async with on(migrated_database) as blocker, blocker.transaction():
        await blocker.execute("lock api_keys in access exclusive mode")
        first, second = [asyncio.create_task(authenticator.caller(header, PEER)) for _ in range(2)]
        await eventually(lambda: _look_ups(blocker), 1)
        first.cancel()
        await until(first.done)
    assert (await second).key.role is Role.EDGE


async def test_refused_keys_are_not_looked_up_again(pool: Database, migrated_database: str) -> None:
    """The second call with an unknown key is refused even while the table is locked."""
    authenticator = Authenticator(pool, time.monotonic)
    unknown = f"Bearer {new_secret()}"
    malformed = f"Bearer hp_{secrets.token_urlsafe(36)}"
    with pytest.raises(HushpostError):
        await authenticator.caller(unknown, PEER)
    async with on(migrated_database) as blocker, blocker.transaction():
        await blocker.execute("lock api_keys in access exclusive mode")
        for header in (unknown, malformed):
            with pytest.raises(HushpostError) as caught:
                await asyncio.wait_for(authenticator.caller(header, PEER), 10)
            assert caught.value.reason is Reason.API_KEY_INVALID


async def test_look_ups_of_unknown_keys_leave_connections_to_others(
    pool: Database, migrated_database: str
) -> None:
    """However many unknown keys come in, few queries run and few calls wait."""
    authenticator = Authenticator(pool, time.monotonic)
    async with on(migrated_database) as blocker, blocker.transaction():
        await blocker.execute("lock api_keys in access exclusive mode")
        calls = [
            asyncio.create_task(authenticator.caller(f"Bearer {new_secret()}", PEER))
            for _ in range(1500)
        ]

        async def waiting() -> int:
            return await blocker.fetchval(  # type: ignore[no-any-return] # a count
                "select count(*) from pg_locks where not granted and relation = 'api_keys'::regclass"
            )

        try:
            await eventually(waiting, 2)
            assert sum(not call.done() for call in calls) == 1000
            reasons = {
                error.reason
                for call in calls
                if call.done() and isinstance(error := call.exception(), HushpostError)
            }
            assert reasons == {Reason.OVERLOADED}
            assert await waiting() == 2
        finally:
            for call in calls:
                call.cancel()
            await asyncio.gather(*calls, return_exceptions=True)
