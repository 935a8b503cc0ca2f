"""Creates partitions by time in advance, and drops obsolete ones."""

from datetime import UTC, datetime, timedelta

from hushpost_service.storage.connection import Connection
from hushpost_service.storage.request_ids import PERIOD_SECONDS
from hushpost_service.storage.sql import partitions as sql

__all__ = ["create_partitions", "drop_partitions"]

_PARTITIONS_LOCK = 0x4855_5350
"""Advisory lock for the creation of partitions ("HUSP")."""

_AHEAD = timedelta(days=62)
"""How far ahead partitions are created. Inserts keep working if maintenance fails for long."""


async def create_partitions(connection: Connection, oldest: datetime, now: datetime) -> None:
    """Create the missing partitions of `events` and `request_ids`, in a transaction.

    Existing partitions are skipped, because creating one locks its table briefly.

    Args:
        connection: A connection in a transaction.
        oldest: The earliest event time that is accepted.
        now: The current time.
    """
    await connection.execute(sql.LOCK_PARTITIONS.format(lock=_PARTITIONS_LOCK))
    existing = {
        *await _partitions(connection, "events"),
        *await _partitions(connection, "request_ids"),
    }
    month = _month(oldest)
    while month <= now + _AHEAD:
        end = _month(month + timedelta(days=32))
        name = _events_name(month)
        if name not in existing:
            await connection.execute(
                sql.CREATE_EVENTS_PARTITION.format(name=name, start=month, end=end)
            )
        month = end
    for period in range(_period(now) - 1, _period(now + _AHEAD) + 1):
        name = _request_ids_name(period)
        if name not in existing:
            await connection.execute(
                sql.CREATE_REQUEST_IDS_PARTITION.format(name=name, period=period)
            )


async def drop_partitions(connection: Connection, oldest: datetime, now: datetime) -> list[str]:
    """Drop obsolete partitions; return their names.

    Request ids are obsolete after the period that follows theirs. Months of events before
    `oldest` are dropped once they are empty, which happens when retention has anonymized
    their events.
    """
    obsolete = [
        name
        for name in await _partitions(connection, "request_ids")
        if int(name.rpartition("_")[2]) < _period(now) - 1
    ]
    obsolete += [
        name
        for name in await _partitions(connection, "events")
        if name < _events_name(oldest) and await connection.fetchval(sql.IS_EMPTY.format(name=name))
    ]
    for name in obsolete:
        await connection.execute(sql.DROP_PARTITION.format(name=name))
    return obsolete


async def _partitions(connection: Connection, table: str) -> list[str]:
    return [name for (name,) in await connection.fetch(sql.PARTITIONS, table)]


def _events_name(month: datetime) -> str:
    return f"events_{month:%Y_%m}"


def _request_ids_name(period: int) -> str:
    return f"request_ids_{period}"


def _month(time: datetime) -> datetime:
    return datetime(time.year, time.month, 1, tzinfo=UTC)


def _period(time: datetime) -> int:
    return int(time.timestamp()) // PERIOD_SECONDS
