"""Scrubbing: after it nothing of folded or erased rows is left in the database's files."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial

from hushpost_service.storage import scrubbing
from hushpost_service.storage.connection import Connection
from hushpost_service.storage.database import Database
from hushpost_service.storage.scrubbing import Table

__all__ = ["Scrub", "ScrubError"]

_TRIES = 120
_PAUSE_SECONDS = 0.5
"""A minute for others to end their transactions, or to let go of a table."""


class ScrubError(Exception):
    """Something of deleted rows may be left."""


class Scrub:
    """Rewrites tables one at a time, beside a running service, then renews the log."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def tables(self) -> list[Table]:
        """Return what is to be rewritten, and prepare it.

        Waits until nobody sees deleted rows any more, for those are kept. Raises
        ScrubError where somebody does for a minute.
        """
        for name in scrubbing.TIMELESS:
            await self._locking(name, partial(scrubbing.even_out, name=name))
        async with self._database.connection("scrub") as connection:
            transaction = await scrubbing.next_transaction(connection)
        for _ in range(_TRIES):
            async with self._database.connection("scrub") as connection:
                if not await scrubbing.is_seen(connection, transaction):
                    return await scrubbing.tables(connection)
            await asyncio.sleep(_PAUSE_SECONDS)
        raise ScrubError(
            "a transaction, a replication slot or a replica still sees deleted rows: "
            "end it, then scrub again"
        )

    async def rewrite(self, table: Table) -> None:
        """Rewrite a table, which is locked meanwhile.

        Stands in the queue for the lock only for a moment at a time, since all who
        record stand behind. Raises ScrubError after a minute of that.
        """
        await self._locking(table.name, partial(scrubbing.rewrite, table=table))

    async def _locking(self, name: str, work: Callable[[Connection], Awaitable[bool]]) -> None:
        for _ in range(_TRIES):
            async with self._database.connection("scrub") as connection:
                if await work(connection):
                    return
            await asyncio.sleep(_PAUSE_SECONDS)
        raise ScrubError(f"the table {name} is in use without a pause; scrub again later")

    async def renew_log(self) -> None:
        """Have the old files of the log removed. Raises ScrubError where they stay."""
        async with self._database.connection("scrub") as connection:
            is_gone = await scrubbing.renew_log(connection)
        if is_gone is None:
            raise ScrubError(
                "the tables are scrubbed, but this role may not see to the log: have a "
                "superuser run 'select pg_switch_wal()', then 'checkpoint'"
            )
        if not is_gone:
            raise ScrubError(
                "the tables are scrubbed, but the server keeps old files of the log: set "
                "wal_recycle = off, see to archiving and replication slots, then scrub again"
            )
