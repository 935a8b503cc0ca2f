"""Finds out what kind of database it is; refuses one that breaks promises without an error."""

import secrets
from enum import Enum

import asyncpg

from hushpost_service.storage.sql import database_kind as sql
from hushpost_service.storage.sql import distribution
from hushpost_service.storage.sql.server_settings import SERVER_PROCESS

__all__ = ["WORKER_REFUSED", "DatabaseKind", "UnsuitableDatabaseError", "database_kind", "kind_of"]


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
    """The database cannot keep what the service promises; the message says why."""


async def database_kind(dsn: str) -> DatabaseKind:
    """Return the kind of the database that an authority is to use.

    Raises:
        UnsuitableDatabaseError: Its advisory locks have no effect, it is a worker of a
            cluster, or a pooler does not keep sessions.
    """
    first = await _connected(dsn)
    try:
        second = await _connected(dsn)
        try:
            await _check_sessions(first, second)
            await _check_locks(first, second)
        finally:
            await second.close()
        kind = await kind_of(first)
    finally:
        await first.close()
    if kind is DatabaseKind.WORKER:
        raise UnsuitableDatabaseError(WORKER_REFUSED)
    return kind


async def _connected(dsn: str) -> "asyncpg.Connection[asyncpg.Record]":
    return await asyncpg.connect(
        dsn,
        # Behind a pooler in transaction mode, statements would not be found again.
        statement_cache_size=0,
        server_settings={"application_name": "hushpost start"},
    )


async def _check_sessions(
    first: "asyncpg.Connection[asyncpg.Record]", second: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    """Raise UnsuitableDatabaseError if a connection has several sessions on the server.

    While the second connection has a transaction, a pooler in transaction mode gives the first
    one another session.
    """
    before = await _process(first)
    async with second.transaction():
        other = await second.fetchval(SERVER_PROCESS)
        after = await _process(first)
    if after != before or other == before:
        raise UnsuitableDatabaseError(
            "a connection pooler changes the session with each transaction, which loses prepared "
            "statements and settings: let it work in session mode"
        )


async def _process(connection: "asyncpg.Connection[asyncpg.Record]") -> int:
    async with connection.transaction():
        process: int = await connection.fetchval(SERVER_PROCESS)
    return process


async def _check_locks(
    first: "asyncpg.Connection[asyncpg.Record]", second: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    """Raise UnsuitableDatabaseError unless an advisory lock keeps another session out.

    Databases that speak PostgreSQL's protocol may accept the functions and ignore them, as
    CockroachDB does.
    """
    key = secrets.randbits(63)
    async with first.transaction():
        got = await first.fetchval(sql.TRY_LOCK, key)
        if got and not await second.fetchval(sql.TRY_LOCK, key):
            return
    raise UnsuitableDatabaseError(
        "advisory locks of this database have no effect, so that an event could be recorded with "
        "the name of a contact who has just declined: use PostgreSQL 15 or later"
    )


async def kind_of(connection: "asyncpg.Connection[asyncpg.Record]") -> DatabaseKind:
    """Return the kind of a connection's database."""
    if not await connection.fetchval(sql.HAS_CITUS):
        return DatabaseKind.SINGLE
    if not await connection.fetchval(distribution.IS_COORDINATOR):
        return DatabaseKind.WORKER
    if await connection.fetchval(distribution.IS_DISTRIBUTED):
        return DatabaseKind.DISTRIBUTED
    return DatabaseKind.SINGLE
