"""ContactVacuum: leaves rows of contacts so that whoever reads them changes nothing.

PostgreSQL lets a reader finish a writer's work. The first to read a row after its
commit notes in the page that the writer has committed, the first to meet versions
of rows that nobody needs removes them, and both are written to the log (the notes
where pages have checksums). So the log of a recording transaction would name the
page that the contact it looked up is in. Therefore whoever writes contacts reads
them again, and a vacuum soon does what reading could not do yet.
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

_PAUSE_SECONDS = 2.0
"""From a change to the vacuum: what ran beside the change has ended by then."""

_SHARE = 20
"""Vacuums take at most one part in so many of the time."""


class ContactVacuum:
    """Does what readers of changed contacts would do."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._changed = asyncio.Event()

    @asynccontextmanager
    async def after_commit(self, tenant: int) -> AsyncIterator[list[int]]:
        """Settle contacts after the transaction within; the list gets their numbers."""
        written: list[int] = []
        try:
            yield written
        finally:
            # It may have been committed though its caller has gone away.
            self._changed.set()
        if written:
            # What fails here the vacuum does.
            with suppress(HushpostError):
                async with self._database.connection("settle contacts") as connection:
                    await contacts.read_back(connection, tenant, written)

    async def forever(self) -> None:
        """Vacuum at once, for what a crash left over, and after changes, until cancelled."""
        while True:
            self._changed.clear()
            start = time.monotonic()
            try:
                async with self._database.connection("vacuum contacts") as connection:
                    is_clean = await contacts.vacuum(connection)
            except HushpostError as error:
                _log.warning("settling is put off", reason=error.reason)
                is_clean = False
            pause = max(_PAUSE_SECONDS, (time.monotonic() - start) * _SHARE)
            # What is left over some transaction may still see: try again.
            if is_clean:
                await self._changed.wait()
            await asyncio.sleep(pause)
