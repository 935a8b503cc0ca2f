"""Partitions by time: made ahead, dropped when they are of no more use."""

from datetime import UTC, datetime, timedelta

from hushpost_service.storage.connection import Connection
from hushpost_service.storage.receipts import PERIOD_SECONDS
from hushpost_service.storage.sql import partitions as sql

__all__ = ["drop_partitions", "make_partitions"]

_PARTITIONS_LOCK = 0x4855_5350
"""Advisory lock of whoever makes partitions ("HUSP")."""

_AHEAD = timedelta(days=62)
"""So far ahead partitions are made: the service may not be restarted for long."""


async def make_partitions(connection: Connection, oldest: datetime, now: datetime) -> None:
    """Make the months of events from `oldest` on and the periods of receipts, in a transaction.

    Only those that are missing: making one locks its table for a moment.
    """
    await connection.execute(sql.LOCK_PARTITIONS.format(lock=_PARTITIONS_LOCK))
    present = {*await _partitions(connection, "events"), *await _partitions(connection, "receipts")}
    month = _month(oldest)
    while month <= now + _AHEAD:
        end = _month(month + timedelta(days=32))
        name = _events_name(month)
        if name not in present:
            await connection.execute(sql.CREATE_EVENTS.format(name=name, start=month, end=end))
        month = end
    for period in range(_period(now) - 1, _period(now + _AHEAD) + 1):
        if _receipts_name(period) not in present:
            name = _receipts_name(period)
            await connection.execute(sql.CREATE_RECEIPTS.format(name=name, period=period))


async def drop_partitions(connection: Connection, oldest: datetime, now: datetime) -> list[str]:
    """Drop receipts before the last period, and empty months of events before `oldest`.

    Months become empty by folding what is older than a tenant keeps. Returns
    the names of what was dropped.
    """
    useless = [
        name
        for name in await _partitions(connection, "receipts")
        if int(name.rpartition("_")[2]) < _period(now) - 1
    ]
    useless += [
        name
        for name in await _partitions(connection, "events")
        if name < _events_name(oldest) and await connection.fetchval(sql.IS_EMPTY.format(name=name))
    ]
    for name in useless:
        await connection.execute(sql.DROP.format(name=name))
    return useless


async def _partitions(connection: Connection, table: str) -> list[str]:
    return [name for (name,) in await connection.fetch(sql.PARTITIONS, table)]


def _events_name(month: datetime) -> str:
    return f"events_{month:%Y_%m}"


def _receipts_name(period: int) -> str:
    return f"receipts_{period}"


def _month(moment: datetime) -> datetime:
    return datetime(moment.year, moment.month, 1, tzinfo=UTC)


def _period(moment: datetime) -> int:
    return int(moment.timestamp()) // PERIOD_SECONDS
