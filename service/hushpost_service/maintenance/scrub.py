"""Scrubbing: removes the remains of anonymized and erased rows from the database's files."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from operator import attrgetter

from hushpost_service.storage import scrubbing
from hushpost_service.storage.connection import Connection
from hushpost_service.storage.database import Database
from hushpost_service.storage.scrubbing import Table

__all__ = ["ScrubError", "Scrubber"]

_ATTEMPTS = 120
_PAUSE_SECONDS = 0.5
"""Together one minute, for other transactions to end or to release a table."""


class ScrubError(Exception):
    """Remains of deleted rows may be left in the files."""


class Scrubber:
    """Rewrites tables of one server one at a time while the service runs, then removes old WAL.

    Call `prepare`, then `rewrite` for each table it returns, then `remove_old_wal`.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def prepare(self) -> list[Table]:
        """Wait until no snapshot sees deleted rows; return the tables to rewrite.

        A rewrite keeps the dead tuples that an older snapshot may still see. Raises
        ScrubError if such a snapshot exists for a minute, or if the server still has tables
        of shards that have moved to another server.
        """
        async with self._database.connection("scrub") as connection:
            has_orphans = await scrubbing.has_orphaned_shards(connection, self._database.kind)
        if has_orphans:
            raise ScrubError(
                "this server still has tables of shards that have moved to another: once no "
                "move is running, run 'call citus_cleanup_orphaned_resources()' on the "
                "coordinator, then run the scrub again"
            )
        for name, _, _ in filter(attrgetter("is_reordered"), await self._tables()):
            await self._retry_until_locked(name, partial(scrubbing.equalize_xmin, name=name))
        async with self._database.connection("scrub") as connection:
            transaction = await scrubbing.current_transaction_id(connection)
        for _ in range(_ATTEMPTS):
            async with self._database.connection("scrub") as connection:
                is_clear = not await scrubbing.has_older_snapshots(connection, transaction)
            if is_clear:
                return await self._tables()
            await asyncio.sleep(_PAUSE_SECONDS)
        raise ScrubError(
            "a transaction, a replication slot or a replica can still see deleted rows: "
            "end it, then run the scrub again"
        )

    async def _tables(self) -> list[Table]:
        async with self._database.connection("scrub") as connection:
            return await scrubbing.tables_to_rewrite(connection, self._database.kind)

    async def rewrite(self, table: Table) -> None:
        """Rewrite a table, under an exclusive lock.

        Waits for the lock in short attempts, because recording transactions queue behind
        a waiting lock request. Raises ScrubError after a minute of attempts.
        """
        await self._retry_until_locked(table.name, partial(scrubbing.rewrite, table=table))

    async def _retry_until_locked(
        self, name: str, work: Callable[[Connection], Awaitable[bool]]
    ) -> None:
        for _ in range(_ATTEMPTS):
            async with self._database.connection("scrub") as connection:
                if await work(connection):
                    return
            await asyncio.sleep(_PAUSE_SECONDS)
        raise ScrubError(
            f"could not lock the table {name} for a minute because it is in use: "
            "run the scrub again later"
        )

    async def remove_old_wal(self) -> None:
        """Remove the old WAL files. Raises ScrubError if some remain."""
        async with self._database.connection("scrub") as connection:
            is_gone = await scrubbing.remove_old_wal(connection)
        if is_gone is None:
            raise ScrubError(
                "the tables are scrubbed, but this database role may not remove old WAL "
                "files: have a superuser run 'select pg_switch_wal()', then 'checkpoint'"
            )
        if not is_gone:
            raise ScrubError(
                "the tables are scrubbed, but the server keeps old WAL files: set "
                "wal_recycle = off, check archiving and replication slots, then run the "
                "scrub again"
            )
