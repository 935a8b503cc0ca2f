"""Finds out whether the database answers, and which server it is."""

import asyncio
from contextlib import suppress
from datetime import datetime

import asyncpg

from hushpost_service.storage.connection_settings import settings_script
from hushpost_service.storage.database_kind import DatabaseKind
from hushpost_service.storage.sql import server_settings as sql

__all__ = ["DatabaseHangsError", "DatabaseLostError", "Probe"]

_SECONDS = 2.0
_SETTINGS = settings_script(DatabaseKind.SINGLE)


class DatabaseLostError(Exception):
    """The database cannot be reached."""


class DatabaseHangsError(DatabaseLostError):
    """The database accepts connections or statements, but does not answer."""


class Probe:
    """Sends a statement to the database, on a connection of its own.

    The connections of the pool may all be in use: then the database is busy, or each waits
    for a database that hangs.
    """

    def __init__(self, dsn: str, *, seconds: float = _SECONDS) -> None:
        """Probe the database at `dsn`; give it some seconds to answer."""
        self._dsn = dsn
        self._seconds = seconds
        self._connection: asyncpg.Connection[asyncpg.Record] | None = None

    async def server_start(self) -> datetime:
        """Return when the server was started, which tells servers apart.

        Raises DatabaseLostError, DatabaseHangsError.
        """
        try:
            async with asyncio.timeout(self._seconds):
                if self._connection is None:
                    self._connection = await asyncpg.connect(
                        self._dsn, server_settings={"application_name": "hushpost"}
                    )
                    await self._connection.execute(_SETTINGS)
                start: datetime = await self._connection.fetchval(sql.SERVER_START)
        except Exception as error:  # noqa: BLE001 - the boundary for the driver's errors
            # A new connection finds the primary after a failover.
            self.close()
            if isinstance(error, TimeoutError):
                raise DatabaseHangsError from None
            raise DatabaseLostError from None
        return start

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            with suppress(asyncpg.InterfaceError):
                self._connection.terminate()
            self._connection = None
