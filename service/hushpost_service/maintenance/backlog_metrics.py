"""Reads from the database what waits, and sets the metrics about it.

A loop reads it, and not a scrape, so that scrapes cost the database nothing. While the database
cannot be read, the metrics are NaN: unknown, and no alert compares true.
"""

import asyncio
from datetime import timedelta
from math import nan

from prometheus_client import Gauge

from hushpost_service.domain.errors import HushpostError
from hushpost_service.storage.backlog import Backlog, read_backlog
from hushpost_service.storage.database import Database

__all__ = ["BacklogMetrics"]

_MINUTE = timedelta(minutes=1)
"""Age from which a job counts. A younger one would show that an opt-out had something to do."""

_JOBS = Gauge(
    "hushpost_anonymization_jobs",
    "Pending anonymization jobs that are older than a minute, of at most 10,000.",
)
_OLDEST_JOB_SECONDS = Gauge(
    "hushpost_anonymization_oldest_seconds",
    "Age of the oldest pending anonymization job, in whole minutes.",
)
_RELEASE_LAG_SECONDS = Gauge(
    "hushpost_release_lag_seconds",
    "Time since the oldest date of release that has passed and has not been released.",
)
_PARTITIONS_AHEAD = Gauge(
    "hushpost_partitions_ahead",
    "Partitions after the current one; -1 if the current one is missing.",
    ["name"],
)
_PARTITIONED = ("events", "request_ids")


class BacklogMetrics:
    """Reads what waits, and sets the metrics."""

    def __init__(self, database: Database) -> None:
        self._database = database
        _set_unknown()

    async def run_once(self) -> None:
        """Read once."""
        try:
            async with self._database.connection("read backlog") as connection:
                backlog = await read_backlog(connection, _MINUTE)
        except HushpostError:  # the storage layer has logged it
            _set_unknown()
        else:
            _set(backlog)

    async def run_forever(self, interval: float) -> None:
        """Read every `interval` seconds, until cancelled."""
        while True:
            await self.run_once()
            await asyncio.sleep(interval)


def _set(backlog: Backlog) -> None:
    _JOBS.set(backlog.jobs)
    _OLDEST_JOB_SECONDS.set(backlog.oldest_job // _MINUTE * 60)
    _RELEASE_LAG_SECONDS.set(backlog.release_lag.total_seconds())
    for name, partitions in backlog.partitions_ahead.items():
        _PARTITIONS_AHEAD.labels(name).set(partitions)


def _set_unknown() -> None:
    for gauge in (_JOBS, _OLDEST_JOB_SECONDS, _RELEASE_LAG_SECONDS):
        gauge.set(nan)
    for name in _PARTITIONED:
        _PARTITIONS_AHEAD.labels(name).set(nan)
