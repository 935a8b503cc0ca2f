"""Creates partitions by time in advance, and drops obsolete ones."""

from datetime import UTC, datetime, timedelta

from hushpost_service.storage.connection import Connection
from hushpost_service.storage.request_ids import PERIOD_SECONDS
from hushpost_service.storage.sql import partitions as sql

__all__ = ["create_partitions", "drop_partitions", "partitions_ahead"]

_PARTITIONS_LOCK = 0x4855_5350
"""Advisory lock for the creation of partitions ("HUSP")."""

_AHEAD = timedelta(days=62)
"""How far ahead partitions are created. Inserts keep working if maintenance fails for long."""

_REQUEST_IDS_AHEAD = timedelta(days=28)
"""The same for request ids. Each is looked up in all partitions, so there are fewer."""

_KEPT_PERIODS = 2
"""Other periods of request ids that are kept in addition to the current ones.

One is of the weeks before last, if the clock is right. After a jump, forward or back, the ids
of the last weeks are in these two.
"""


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
            script = sql.CREATE_EVENTS_PARTITION.format(name=name, start=month, end=end)
            # A distributed database would send the workers the whole script for each statement.
            for statement in script.split(";"):
                await connection.execute(statement)
        month = end
    for period in range(_period(now) - 1, _period(now + _REQUEST_IDS_AHEAD) + 1):
        name = _request_ids_name(period)
        if name not in existing:
            await connection.execute(
                sql.CREATE_REQUEST_IDS_PARTITION.format(name=name, period=period)
            )


async def drop_partitions(connection: Connection, oldest: datetime, now: datetime) -> list[str]:
    """Drop obsolete partitions; return their names.

    A jump of the clock makes neither request ids nor events obsolete. Of request ids the
    periods around the current time are kept, and the last two others that have rows. Of
    events the months before `oldest` are dropped once they are empty, which happens when
    retention has anonymized their events.
    """
    candidates = [
        name
        for name in await _partitions(connection, "events")
        if name < _events_name(oldest) and await _is_empty(connection, name)
    ]
    dropped = await _drop_empty(connection, "events", candidates)
    period = _period(now)
    others = [
        name
        for name in await _partitions(connection, "request_ids")
        if not period - 1 <= _period_of(name) <= _period(now + _REQUEST_IDS_AHEAD)
    ]
    with_rows = [name for name in others if not await _is_empty(connection, name)]
    for name in sorted(with_rows, key=_period_of)[:-_KEPT_PERIODS]:
        await connection.execute(sql.DROP_PARTITION.format(name=name))
        dropped.append(name)
    empty = [name for name in others if name not in with_rows]
    return dropped + await _drop_empty(connection, "request_ids", empty)


async def partitions_ahead(connection: Connection, now: datetime) -> dict[str, int]:
    """Return by table how many partitions follow the current one without a gap; -1 if it is missing.

    Events with a time for which there is no partition cannot be recorded.
    """
    events = set(await _partitions(connection, "events"))
    month, months = _month(now), -1
    while _events_name(month) in events:
        month, months = _month(month + timedelta(days=32)), months + 1
    request_ids = set(await _partitions(connection, "request_ids"))
    period, periods = _period(now), -1
    while _request_ids_name(period) in request_ids:
        period, periods = period + 1, periods + 1
    return {"events": months, "request_ids": periods}


async def _drop_empty(connection: Connection, table: str, candidates: list[str]) -> list[str]:
    """Drop the partitions that are empty; return them.

    An authority whose clock has not followed a jump yet may still insert rows.
    """
    if not candidates:
        return []
    await connection.execute(sql.LOCK_TABLE.format(name=table))
    empty = [name for name in candidates if await _is_empty(connection, name)]
    for name in empty:
        await connection.execute(sql.DROP_PARTITION.format(name=name))
    return empty


async def _is_empty(connection: Connection, name: str) -> bool:
    empty: bool = await connection.fetchval(sql.IS_EMPTY.format(name=name))
    return empty


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


def _period_of(request_ids_name: str) -> int:
    return int(request_ids_name.rpartition("_")[2])
