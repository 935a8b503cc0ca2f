"""What the authority finds out about its database before it uses it."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack

import pytest

from hushpost_service.domain.errors import HushpostError, Reason
from hushpost_service.storage.connection_settings import CONNECTION_SETTINGS
from hushpost_service.storage.database import Database
from hushpost_service.storage.database_kind import (
    DatabaseKind,
    UnsuitableDatabaseError,
    database_kind,
    server_kind,
)
from tests.inspection import on
from tests.rpc.test_startup import run_serve

from .pooler import pooled

TIMEOUT_SECONDS = 30
"""Less than the time for which PgBouncer and the driver wait."""


@pytest.fixture
async def lockless_database(empty_database: str) -> str:
    """The address of a database whose advisory locks do nothing."""
    name = empty_database.partition("@/")[2].partition("?")[0]
    async with on(empty_database) as connection:
        await connection.execute(
            "create schema ignoring;"
            "create function ignoring.pg_try_advisory_xact_lock(bigint) returns boolean"
            " language sql as 'select true';"
            f"alter database {name} set search_path = ignoring, pg_catalog, public"
        )
    return empty_database


async def test_a_database_without_extension_is_a_single_server(empty_database: str) -> None:
    """Ordinary PostgreSQL is found to be that."""
    assert await database_kind(empty_database) is DatabaseKind.SINGLE


async def test_a_database_that_ignores_advisory_locks_is_refused(lockless_database: str) -> None:
    """Opt-outs rely on the locks, so that the authority does not use such a database."""
    with pytest.raises(UnsuitableDatabaseError, match="advisory locks"):
        await database_kind(lockless_database)


def test_the_authority_says_why_it_refuses_a_database(lockless_database: str) -> None:
    """`hushpost serve` exits with one line that names the reason."""
    done = run_serve("--listen=127.0.0.1:0", HUSHPOST_DATABASE_URL=lockless_database)
    assert done.returncode == 1
    assert done.stderr.startswith("hushpost: advisory locks of this database have no effect")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("kind", "mode"),
    [(DatabaseKind.SINGLE, "force_generic_plan"), (DatabaseKind.DISTRIBUTED, "auto")],
)
async def test_the_plans_of_statements_depend_on_the_kind(
    empty_database: str, kind: DatabaseKind, mode: str
) -> None:
    """Plans are made once on a single server, where planning costs as much as a small commit."""
    database = await Database.connect(empty_database, connections=1, kind=kind)
    try:
        async with database.connection("test") as connection:
            assert await connection.fetchval("show plan_cache_mode") == mode
    finally:
        await database.close()


async def test_a_pooler_in_session_mode_is_suitable(empty_database: str) -> None:
    """Sessions get their settings although a pooler rejects them as parameters of a connection."""
    async with pooled(empty_database) as uri:
        assert await database_kind(uri) is DatabaseKind.SINGLE
        database = await Database.connect(uri, connections=1)
        async with database.connection("test") as connection:
            for name, value in CONNECTION_SETTINGS.items():
                assert await connection.fetchval(f"show {name}") == value
        await database.close()


async def test_a_pooler_in_transaction_mode_is_refused(empty_database: str) -> None:
    """It would lose prepared statements and settings."""
    async with pooled(empty_database, per_transaction=True) as uri:
        with pytest.raises(UnsuitableDatabaseError, match="session mode"):
            await database_kind(uri)


async def test_a_pooler_with_a_single_session_is_refused_soon(empty_database: str) -> None:
    """The second session of the check would wait for the first one until the pooler gives up."""
    async with pooled(empty_database, sessions=1) as uri, asyncio.timeout(TIMEOUT_SECONDS):
        with pytest.raises(UnsuitableDatabaseError, match=r"no second one .*default_pool_size"):
            await database_kind(uri, session_seconds=2)


@pytest.mark.parametrize("kind_of_database", [database_kind, server_kind])
async def test_a_pooler_without_a_free_session_is_refused_soon(
    empty_database: str, kind_of_database: Callable[..., Awaitable[DatabaseKind]]
) -> None:
    """The error says which setting of the pooler is too low; a later check succeeds."""
    async with pooled(empty_database, sessions=2) as uri, asyncio.timeout(TIMEOUT_SECONDS):
        async with AsyncExitStack() as stack:
            for _ in range(2):
                await stack.enter_async_context(on(uri))
            with pytest.raises(UnsuitableDatabaseError, match=r"gave no session .* max_db_conn"):
                await kind_of_database(uri, session_seconds=0.1)
        assert await kind_of_database(uri) is DatabaseKind.SINGLE


@pytest.mark.parametrize(
    "text",
    [
        "could not find valid entry for shard 102008",
        "failure on connection marked as essential: worker-1:5432",
        "server closed the connection unexpectedly",
    ],
)
async def test_a_statement_that_loses_its_worker_may_be_repeated(
    database: Database, text: str
) -> None:
    """A distributed database has no SQLSTATE for it, so that it is known by its message."""
    with pytest.raises(HushpostError) as caught:
        async with database.connection("test") as connection:
            await connection.execute(f"do $$ begin raise '{text}' using errcode = 'XX000'; end $$")
    assert caught.value.reason is Reason.DATABASE_UNAVAILABLE
