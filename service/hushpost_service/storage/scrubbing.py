"""Rewrites tables and removes old WAL, so that no file contains remains of deleted rows."""

import re
from typing import NamedTuple

import asyncpg

from hushpost_service.storage.connection import Connection
from hushpost_service.storage.database_kind import DatabaseKind
from hushpost_service.storage.sql import scrubbing as sql
from hushpost_service.storage.sql.distribution import DISTRIBUTED_TABLES, ORPHANED_SHARDS

__all__ = [
    "Table",
    "current_transaction_id",
    "equalize_xmin",
    "has_older_snapshots",
    "has_orphaned_shards",
    "remove_old_wal",
    "rewrite",
    "tables_to_rewrite",
]

_LOCK_MILLISECONDS = 200
"""How long to wait for a table lock; recording transactions queue behind the request."""

_TIMEOUT_SECONDS = 24 * 3600
"""Longer than the rewrite of any table."""


_REORDERED = re.compile(r"(counters|slot_bits)(_\d+)?")
"""Names of the tables, and of their shards, whose rows must not reveal when they were written.

Compared with the order of opt-outs, the age of a row would tell whose events were
anonymized into which counter.
"""


class Table(NamedTuple):
    """A table, partition or shard, the size of its files, and its primary key if it has one."""

    name: str
    bytes: int
    primary_key: str | None

    @property
    def is_reordered(self) -> bool:
        """Whether the order and the age of its rows must not reveal when they were written."""
        return _REORDERED.fullmatch(self.name) is not None


async def current_transaction_id(connection: Connection) -> str:
    """Return a transaction id that is higher than those of all committed transactions."""
    transaction: str = await connection.fetchval(sql.CURRENT_TRANSACTION_ID)
    return transaction


async def has_older_snapshots(connection: Connection, transaction: str) -> bool:
    """Return whether a snapshot exists that may see rows deleted before `transaction`."""
    exists: bool = await connection.fetchval(sql.HAS_OLDER_SNAPSHOTS, transaction)
    return exists


async def tables_to_rewrite(connection: Connection, kind: DatabaseKind) -> list[Table]:
    """Return the tables of the server whose files may contain remains of deleted rows."""
    tables = [Table(*row) for row in await connection.fetch(sql.SCRUBBED_TABLES)]
    if kind is DatabaseKind.SINGLE:
        return tables
    # The rows of these are in shards.
    distributed = {name for (name,) in await connection.fetch(DISTRIBUTED_TABLES)}
    return [table for table in tables if table.name not in distributed]


async def has_orphaned_shards(connection: Connection, kind: DatabaseKind) -> bool:
    """Return whether the server still has tables of shards that are now on another server.

    Their rows are those from before the move: deleting the rows of a contact does not reach them.
    """
    return kind is not DatabaseKind.SINGLE and bool(await connection.fetch(ORPHANED_SHARDS))


async def rewrite(connection: Connection, table: Table) -> bool:
    """Rewrite a table with live rows only; return False if it could not be locked in time."""
    statement = sql.CLUSTER if table.is_reordered else sql.VACUUM_FULL
    return await _execute_with_lock_timeout(
        connection, statement.format(name=table.name, primary_key=table.primary_key)
    )


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
