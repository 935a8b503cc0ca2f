"""Queries about work that waits: anonymization jobs, releases, and partitions to be created."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from hushpost_service.storage.connection import Connection
from hushpost_service.storage.partitions import partitions_ahead
from hushpost_service.storage.sql import backlog as sql

__all__ = ["Backlog", "read_backlog"]

_MAX_JOBS = 10_000
"""Jobs that are read, so that the statement stays cheap."""


@dataclass(frozen=True, slots=True)
class Backlog:
    """What waits at a time.

    Attributes:
        jobs: Pending anonymization jobs; at most 10,000 are counted.
        oldest_job: For how long the oldest of them has been pending.
        release_lag: For how long the earliest release has been due.
        partitions_ahead: See the function of that name.
    """

    jobs: int
    oldest_job: timedelta
    release_lag: timedelta
    partitions_ahead: dict[str, int]


async def read_backlog(connection: Connection, min_job_age: timedelta) -> Backlog:
    """Return what waits, of anonymization jobs those that are older than `min_job_age`."""
    row = await connection.fetchrow(sql.ANONYMIZATION_BACKLOG, min_job_age, _MAX_JOBS)
    assert row is not None  # noqa: S101 - an aggregate has one row
    now, jobs, oldest = row
    due: datetime | None = await connection.fetchval(sql.NEXT_RELEASE)
    return Backlog(
        jobs,
        now - (oldest or now),
        max(now - (due or now), timedelta()),
        await partitions_ahead(connection, now),
    )
