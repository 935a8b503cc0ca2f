"""Rewrites tables and removes old WAL, so that no file contains remains of deleted rows."""

from typing import NamedTuple

import asyncpg

from hushpost_service.storage.connection import Connection
from hushpost_service.storage.sql import scrubbing as sql

__all__ = [
    "REORDERED_TABLES",
    "Table",
    "current_transaction_id",
    "equalize_xmin",
    "has_older_snapshots",
    "remove_old_wal",
    "rewrite",
    "tables_to_rewrite",
]

_LOCK_MILLISECONDS = 200
"""How long to wait for a table lock; recording transactions queue behind the request."""

_TIMEOUT_SECONDS = 24 * 3600
"""Longer than the rewrite of any table."""


REORDERED_TABLES = ("counters", "slot_bits")
"""Tables whose rows must not reveal when they were written.

Compared with the order of opt-outs, the age of a row would tell whose events were
anonymized into which counter.
"""


class Table(NamedTuple):
    """A table or partition, and the size of its files."""

    name: str
    bytes: int


async def current_transaction_id(connection: Connection) -> str:
    """Return a transaction id that is higher than those of all committed transactions."""
    transaction: str = await connection.fetchval(sql.CURRENT_TRANSACTION_ID)
    return transaction


async def has_older_snapshots(connection: Connection, transaction: str) -> bool:
    """Return whether a snapshot exists that may see rows deleted before `transaction`."""
    exists: bool = await connection.fetchval(sql.HAS_OLDER_SNAPSHOTS, transaction)
    return exists


async def tables_to_rewrite(connection: Connection) -> list[Table]:
    """Return the tables whose files may contain remains of deleted rows."""
    return [Table(name, size) for name, size in await connection.fetch(sql.SCRUBBED_TABLES)]


async def rewrite(connection: Connection, table: Table) -> bool:
    """Rewrite a table with live rows only; return False if it could not be locked in time."""
    statement = sql.CLUSTER if table.name in REORDERED_TABLES else sql.VACUUM_FULL
    return await _execute_with_lock_timeout(connection, statement.format(name=table.name))


async def equalize_xmin(connection: Connection, name: str) -> bool:
    """Give all rows of a table the same xmin; return False if it could not be locked in time."""
    return await _execute_with_lock_timeout(connection, sql.EQUALIZE_XMIN.format(name=name))


async def _execute_with_lock_timeout(connection: Connection, statement: str) -> bool:
    await connection.execute(sql.LOCK_TIMEOUT.format(milliseconds=_LOCK_MILLISECONDS))
    try:
        await connection.execute(statement, timeout=_TIMEOUT_SECONDS)
    except asyncpg.LockNotAvailableError:
        return False
    except asyncpg.UndefinedTableError:
        # The partition was dropped meanwhile.
        return True
    return True


async def remove_old_wal(connection: Connection) -> bool | None:
    """Switch to a new WAL file and remove the old ones.

    Returns:
        Whether the old files are gone; None if the database role lacks the privileges
        to remove or list them.
    """
    try:
        last = await connection.fetchval(sql.SWITCH_WAL)
        await connection.execute(sql.CHECKPOINT, timeout=_TIMEOUT_SECONDS)
        return not await connection.fetchval(sql.HAS_OLD_WAL, last)
    except asyncpg.InsufficientPrivilegeError:
        return None
