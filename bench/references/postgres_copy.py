"""Reference for batches: a bare asyncpg COPY over one connection into a table without indexes."""

import datetime as dt
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import asyncpg

from bench.authority import check_durability
from bench.load.closed_loop import measure_throughput

__all__ = ["PostgresCopy", "connect_postgres_copy"]

_COLUMNS = {
    "campaign": "bigint",
    "contact": "bigint",
    "event_time": "timestamptz",
    "tenant": "integer",
    "slot": "integer",
    "group_number": "smallint",
    "signal": "smallint",
    "verdict": "smallint",
    "is_first": "boolean",
}
"""The columns of the authority's table of identified events."""

_TABLE = f"create table rows ({', '.join(f'{name} {kind}' for name, kind in _COLUMNS.items())})"
_DATABASE = "bench_copy"

Row = tuple[int, int, dt.datetime, int, int, int, int, int, bool]


class PostgresCopy:
    """Copies random rows into a separate database on the authority's PostgreSQL server."""

    def __init__(self, connection: "asyncpg.Connection[asyncpg.Record]") -> None:
        self._connection = connection
        self._copied = 0

    async def measure(self, count: int, batch: int, rng: random.Random) -> float:
        """Copy `count` rows, one transaction per batch; return rows per second."""
        rows = _random_rows(count, rng)
        parts = [rows[start : start + batch] for start in range(0, count, batch)]
        self._copied += count
        return await measure_throughput(self._copy, parts, count, callers=1)

    async def check(self) -> None:
        """Assert that every row was stored."""
        count = await self._connection.fetchval("select count(*) from rows")
        assert count == self._copied, f"copied {self._copied} rows, found {count}"

    async def _copy(self, rows: Sequence[Row]) -> None:
        await self._connection.copy_records_to_table("rows", records=rows, columns=[*_COLUMNS])


@asynccontextmanager
async def connect_postgres_copy(dsn: str) -> AsyncIterator[PostgresCopy]:
    """Create the database and the table, and connect to it."""
    connection = await asyncpg.connect(dsn)
    try:
        await check_durability(connection)
        await connection.execute(f"create database {_DATABASE}")
    finally:
        await connection.close()
    connection = await asyncpg.connect(dsn, database=_DATABASE)
    try:
        await connection.execute(_TABLE)
        yield PostgresCopy(connection)
    finally:
        await connection.close()


def _random_rows(count: int, rng: random.Random) -> list[Row]:
    now = dt.datetime.now(dt.UTC)
    return [
        (
            rng.getrandbits(60),
            rng.randrange(100_000),
            now - dt.timedelta(seconds=rng.random() * 3600),
            1,
            rng.randrange(5000),
            rng.randrange(20),
            rng.randrange(6),
            rng.randrange(1, 5),
            True,
        )
        for _ in range(count)
    ]
