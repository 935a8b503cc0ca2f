"""Finds out what kind of database it is; refuses one that breaks promises without an error."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from enum import Enum

import asyncpg

from hushpost_service.storage.sql import database_kind as sql
from hushpost_service.storage.sql import distribution
from hushpost_service.storage.sql.server_settings import SERVER_PROCESS

__all__ = [
    "WORKER_REFUSED",
    "DatabaseKind",
    "UnsuitableDatabaseError",
    "database_kind",
    "kind_of",
    "server_kind",
]

_SESSION_SECONDS = 10
"""How long to wait for a session. PgBouncer lets a client wait for two minutes by default."""
_STATEMENT_MODE = "statement pooling mode"
"""Part of the message with which PgBouncer refuses transactions in statement mode."""
_SESSION_MODE = (
    "a connection pooler changes the session with each transaction or statement, which loses "
    "prepared statements and settings: let it work in session mode"
)


class DatabaseKind(Enum):
    """Where the rows of tenants are.

    Attributes:
        SINGLE: On the server that the authority connects to.
        DISTRIBUTED: On the workers of a Citus cluster, by tenant. The authority connects to the
            coordinator.
        WORKER: The server is one of these workers.
    """

    SINGLE = "single"
    DISTRIBUTED = "distributed"
    WORKER = "worker"


WORKER_REFUSED = "this server is a worker of a Citus cluster: give the address of the coordinator"


class UnsuitableDatabaseError(Exception):
    """The database cannot keep what the service promises, or gives no sessions for it.

    The message says why.
    """


async def database_kind(dsn: str, *, session_seconds: float = _SESSION_SECONDS) -> DatabaseKind:
    """Return the kind of the database that an authority is to use.

    Args:
        dsn: The address of the database.
        session_seconds: How long to wait for each of two sessions.

    Raises:
        UnsuitableDatabaseError: Its advisory locks have no effect, it is a worker of a
            cluster, or a pooler does not keep sessions or has too few.
    """
    with ExitStack() as stack:
        async with _limited(session_seconds, "no session"):
            first = await _connected(dsn, stack)
            process = await _process(first)
        async with _limited(session_seconds, "one session but no second one"):
            second = await _connected(dsn, stack)
            await _check_sessions(first, process, second)
            await _check_locks(first, second)
            kind = await kind_of(first)
            await second.close()
            await first.close()
    if kind is DatabaseKind.WORKER:
        raise UnsuitableDatabaseError(WORKER_REFUSED)
    return kind


async def server_kind(dsn: str, *, session_seconds: float = _SESSION_SECONDS) -> DatabaseKind:
    """Return the kind of any server, without a check of whether an authority can use it.

    Raises:
        UnsuitableDatabaseError: There was no session in time.
    """
    with ExitStack() as stack:
        async with _limited(session_seconds, "no session"):
            connection = await _connected(dsn, stack)
            kind = await kind_of(connection)
            await connection.close()
    return kind


@asynccontextmanager
async def _limited(seconds: float, found: str) -> AsyncIterator[None]:
    """Raise UnsuitableDatabaseError if the block takes too long.

    A pooler without a free session accepts a connection, and delays its first statement.
    """
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError:
        raise UnsuitableDatabaseError(
            f"the database gave {found} within {seconds:g} seconds: if a connection pooler is in "
            "between, let it have enough sessions (default_pool_size and max_db_connections of "
            "PgBouncer), that is, connections + 5 for each worker of each authority; otherwise "
            "see whether the server hangs"
        ) from None


async def _connected(dsn: str, stack: ExitStack) -> "asyncpg.Connection[asyncpg.Record]":
    """Connect; the stack ends the connection at once, even if a statement has no answer yet."""
    connection: asyncpg.Connection[asyncpg.Record] = await asyncpg.connect(
        dsn,
        # Behind a pooler in transaction mode, statements would not be found again.
        statement_cache_size=0,
        server_settings={"application_name": "hushpost start"},
    )
    stack.callback(connection.terminate)
    return connection


async def _check_sessions(
    first: "asyncpg.Connection[asyncpg.Record]",
    process: int,
    second: "asyncpg.Connection[asyncpg.Record]",
) -> None:
    """Raise UnsuitableDatabaseError if a connection has several sessions on the server.

    A pooler in transaction mode gives a transaction the free session that was used last, as
    PgBouncer does by default, or the one that was not used for the longest time. While the second
    connection has a transaction, after it, or the time after that, it is another one.

    Args:
        first: A connection without a transaction.
        process: The process that served its last transaction.
        second: Another connection.
    """
    await second.execute(sql.BEGIN)
    if await second.fetchval(SERVER_PROCESS) == process:
        raise UnsuitableDatabaseError(_SESSION_MODE)
    processes = [await _process(first)]
    await second.execute(sql.ROLLBACK)
    processes += [await _process(first), await _process(first)]
    if any(other != process for other in processes):
        raise UnsuitableDatabaseError(_SESSION_MODE)


async def _process(connection: "asyncpg.Connection[asyncpg.Record]") -> int:
    """Return the process that serves a transaction of the connection.

    Raises:
        UnsuitableDatabaseError: A pooler in statement mode refuses transactions.
    """
    try:
        await connection.execute(sql.BEGIN)
    except asyncpg.PostgresConnectionError as error:
        if _STATEMENT_MODE in str(error):
            raise UnsuitableDatabaseError(_SESSION_MODE) from None
        raise
    process: int = await connection.fetchval(SERVER_PROCESS)
    await connection.execute(sql.ROLLBACK)
    return process


async def _check_locks(
    first: "asyncpg.Connection[asyncpg.Record]", second: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    """Raise UnsuitableDatabaseError unless an advisory lock keeps another session out.

    Databases that speak PostgreSQL's protocol may accept the functions and ignore them, as
    CockroachDB does.
    """
    key = secrets.randbits(63)
    await first.execute(sql.BEGIN)
    got = await first.fetchval(sql.TRY_LOCK, key)
    if not got or await second.fetchval(sql.TRY_LOCK, key):
        raise UnsuitableDatabaseError(
            "advisory locks of this database have no effect, so that an event could be recorded "
            "with the name of a contact who has just declined: use PostgreSQL 15 or later"
        )
    await first.execute(sql.ROLLBACK)


async def kind_of(connection: "asyncpg.Connection[asyncpg.Record]") -> DatabaseKind:
    """Return the kind of a connection's database."""
    if not await connection.fetchval(sql.HAS_CITUS):
        return DatabaseKind.SINGLE
    if not await connection.fetchval(distribution.IS_COORDINATOR):
        return DatabaseKind.WORKER
    if await connection.fetchval(distribution.IS_DISTRIBUTED):
        return DatabaseKind.DISTRIBUTED
    return DatabaseKind.SINGLE
