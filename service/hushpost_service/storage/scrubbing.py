"""Rewrites tables and ends the log's files, so that they hold nothing of deleted rows."""

from typing import NamedTuple

import asyncpg

from hushpost_service.storage.connection import Connection
from hushpost_service.storage.sql import scrubbing as sql

__all__ = [
    "TIMELESS",
    "Table",
    "even_out",
    "is_seen",
    "next_transaction",
    "renew_log",
    "rewrite",
    "tables",
]

_LOCK_MILLISECONDS = 200
"""So long recording may stand behind us in the queue for a table."""

_SECONDS = 24 * 3600
"""Longer than the rewriting of any table."""


TIMELESS = ("counters", "slot_bits")
"""Tables whose rows are in no order of time after a scrub: beside the order of opt-outs
it would tell whose events were folded into which number."""


class Table(NamedTuple):
    """A table or partition, and the size of its files."""

    name: str
    bytes: int


async def next_transaction(connection: Connection) -> str:
    """Return a transaction's number that is greater than all so far."""
    number: str = await connection.fetchval(sql.NEXT_TRANSACTION)
    return number


async def is_seen(connection: Connection, transaction: str) -> bool:
    """Return whether somebody may still see rows that were deleted before a transaction."""
    seen: bool = await connection.fetchval(sql.STILL_SEEN, transaction)
    return seen


async def tables(connection: Connection) -> list[Table]:
    """Return the tables that may hold something of deleted rows."""
    return [Table(name, size) for name, size in await connection.fetch(sql.TABLES)]


async def rewrite(connection: Connection, table: Table) -> bool:
    """Rewrite a table; return False where others use it without a pause."""
    statement = sql.REWRITE_IN_ORDER if table.name in TIMELESS else sql.REWRITE
    return await _locking(connection, statement.format(name=table.name))


async def even_out(connection: Connection, name: str) -> bool:
    """Make the rows of a table equally old; return False as `rewrite` does."""
    return await _locking(connection, sql.EVEN_OUT.format(name=name))


async def _locking(connection: Connection, statement: str) -> bool:
    await connection.execute(sql.LOCK_TIMEOUT.format(milliseconds=_LOCK_MILLISECONDS))
    try:
        await connection.execute(statement, timeout=_SECONDS)
    except asyncpg.LockNotAvailableError:
        return False
    except asyncpg.UndefinedTableError:
        # A partition that has been dropped since.
        return True
    return True


async def renew_log(connection: Connection) -> bool | None:
    """Begin a new file of the log and have the old ones removed.

    Returns whether they are gone, or None where this role may not do or know that.
    """
    try:
        last = await connection.fetchval(sql.END_LOG_FILE)
        await connection.execute(sql.CHECKPOINT, timeout=_SECONDS)
        return not await connection.fetchval(sql.OLD_LOG, last)
    except asyncpg.InsufficientPrivilegeError:
        return None
