"""The time of the database, without a round trip per call.

All authorities judge events by the clock of the database, because one with a wrong clock
of its own would reject good events. The time is measured at the start and with each probe
of the database. In between, the monotonic clock of the process counts on.
"""

import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import structlog
from prometheus_client import Gauge

from hushpost_service.storage.connection import Connection
from hushpost_service.storage.database import Database
from hushpost_service.storage.sql import database_clock as sql

__all__ = ["DatabaseClock", "database_time"]

_log = structlog.get_logger(__name__)

_JUMP_SECONDS = 60.0
"""A change of the database's clock by more than this is a jump."""

_LOCAL_WARNING_SECONDS = 60.0

_LOCAL_AHEAD = Gauge(
    "hushpost_local_clock_ahead_seconds",
    "How far the clock of this machine is ahead of the database's.",
)


async def database_time(connection: Connection) -> datetime:
    """Return the database's time."""
    now: datetime = await connection.fetchval(sql.NOW)
    return now


class DatabaseClock:
    """Returns the database's time when called; `measure` must have been called before.

    If the clock of the database is corrected, this one follows with the next measurement.
    """

    def __init__(
        self,
        database: Database,
        monotonic: Callable[[], float] = time.monotonic,
        local: Callable[[], float] = time.time,
    ) -> None:
        self._database = database
        self._monotonic = monotonic
        self._local = local
        self._offset: float | None = None
        """The database's time minus the monotonic time, in seconds."""
        self._is_local_wrong = False

    def __call__(self) -> datetime:
        """Return the time, within half of the round trip of the last measurement."""
        if self._offset is None:
            raise RuntimeError("the time has not been measured yet")
        return self._at(self._offset)

    async def measure(self, on_jump: Callable[[datetime], Awaitable[None]]) -> None:
        """Measure the database's time, and follow it.

        Args:
            on_jump: Is awaited with the new time at the first measurement, and when the
                database's clock has jumped, before this clock returns the new time. If it
                raises an error, the clock stays as it was.

        Raises DATABASE_UNAVAILABLE.
        """
        async with self._database.connection("measure the time") as connection:
            before = self._monotonic()
            measured = (await database_time(connection)).timestamp()
            error = (self._monotonic() - before) / 2
        offset = measured - before - error
        if self._offset is None or abs(offset - self._offset) > _JUMP_SECONDS + error:
            if self._offset is not None:
                _log.warning("database clock jumped", seconds=round(offset - self._offset))
            await on_jump(self._at(offset))
            self._offset = offset
        else:
            # A slow round trip leaves a range of possible times: stay as close as possible.
            self._offset = min(max(self._offset, offset - error), offset + error)
        self._compare_with_local(self._offset)

    def _at(self, offset: float) -> datetime:
        return datetime.fromtimestamp(offset + self._monotonic(), UTC)

    def _compare_with_local(self, offset: float) -> None:
        ahead = self._local() - offset - self._monotonic()
        _LOCAL_AHEAD.set(ahead)
        was_wrong, self._is_local_wrong = self._is_local_wrong, abs(ahead) > _LOCAL_WARNING_SECONDS
        if self._is_local_wrong and not was_wrong:
            _log.warning(
                "local clock differs from the database's, which is used", seconds=round(ahead)
            )
