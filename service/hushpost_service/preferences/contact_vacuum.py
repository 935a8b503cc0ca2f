"""Vacuums contacts after writes, so that looking one up leaves no trace in the WAL.

The first read of a row after its commit sets hint bits, and a read that meets dead tuples
prunes the page. With checksums on, both write WAL records that name the page. A recording
transaction that looks a contact up would thereby reveal which contact it was. So writers
read their rows back before they return, and a VACUUM (FREEZE) follows two seconds later.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import structlog

from hushpost_service.domain.errors import HushpostError
from hushpost_service.storage import contacts
from hushpost_service.storage.database import Database

__all__ = ["ContactVacuum"]

_log = structlog.get_logger(__name__)

_DELAY_SECONDS = 2.0
"""From a write to its vacuum. Transactions that overlap the write, and keep its dead
tuples from being removed, have ended by then."""

_IDLE_FACTOR = 20
"""After a vacuum, pause this many times its duration: vacuums take at most 5% of the time."""


class ContactVacuum:
    """Reads written contacts back, and vacuums the table in the background."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._needs_vacuum = asyncio.Event()

    @asynccontextmanager
    async def after_write(self, tenant: int) -> AsyncIterator[list[int]]:
        """Wrap a transaction that writes contacts.

        Yields an empty list, to which the block adds the numbers of the contacts that it
        wrote. On exit these are read back, and a vacuum is requested.
        """
        written: list[int] = []
        try:
            yield written
        finally:
            # The commit may have succeeded even if the block failed or was cancelled.
            self._needs_vacuum.set()
        if written:
            # Best effort: the vacuum catches what this misses.
            with suppress(HushpostError):
                async with self._database.connection("read contacts back") as connection:
                    await contacts.set_hint_bits(connection, tenant, written)

    async def run_forever(self) -> None:
        """Vacuum at the start, in case of a crash, and after each write, until cancelled."""
        while True:
            self._needs_vacuum.clear()
            start = time.monotonic()
            try:
                async with self._database.connection("vacuum contacts") as connection:
                    is_clean = await contacts.vacuum(connection, self._database.kind)
            except HushpostError as error:
                _log.warning("vacuum of contacts failed; will retry", reason=error.reason)
                is_clean = False
            pause = max(_DELAY_SECONDS, (time.monotonic() - start) * _IDLE_FACTOR)
            # Dead tuples remain while an open transaction may see them: vacuum again later.
            if is_clean:
                await self._needs_vacuum.wait()
            await asyncio.sleep(pause)
