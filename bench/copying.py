"""The reference for batches: a bare asyncpg COPY into a table without an index."""

import datetime as dt
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import asyncpg

from bench.load import rate
from bench.site import check_durability

__all__ = ["Copying", "opened_copying"]

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
"""Those of identified events, as the authority keeps them."""

_TABLE = f"create table rows ({', '.join(f'{name} {kind}' for name, kind in _COLUMNS.items())})"
_DATABASE = "bench_copy"

Row = tuple[int, int, dt.datetime, int, int, int, int, int, bool]


class Copying:
    """Copies rows into a database of its own on the authority's server."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]") -> None:
        self._pool = pool
        self._copied = 0

    async def rate(self, count: int, size: int, callers: int, rng: random.Random) -> float:
        """Copy batches of `size` rows, each its own transaction; return rows per second."""
        rows = _rows(count, rng)
        parts = [rows[start : start + size] for start in range(0, count, size)]
        self._copied += count
        return await rate(self._copy, parts, count, callers)

    async def check(self) -> None:
        """Make sure that every row is there."""
        found = await self._pool.fetchval("select count(*) from rows")
        assert found == self._copied, f"copied {self._copied} rows, found {found}"

    async def clear(self) -> None:
        """Forget all rows, so that copying more costs what it did at first."""
        await self._pool.execute("truncate rows")
        self._copied = 0

    async def _copy(self, rows: Sequence[Row]) -> None:
        async with self._pool.acquire() as connection:
            await connection.copy_records_to_table("rows", records=rows, columns=[*_COLUMNS])


@asynccontextmanager
async def opened_copying(dsn: str, connections: int) -> AsyncIterator[Copying]:
    """Make the table."""
    connection = await asyncpg.connect(dsn)
    try:
        await check_durability(connection)
        await connection.execute(f"create database {_DATABASE}")
    finally:
        await connection.close()
    async with asyncpg.create_pool(
        dsn,
        database=_DATABASE,
        min_size=connections,
        max_size=connections,
        reset=_leave_as_is,
    ) as pool:
        await pool.execute(_TABLE)
        yield Copying(pool)


async def _leave_as_is(_: object) -> None:
    """Do nothing between two uses of a connection: a reset is a round trip."""


def _rows(count: int, rng: random.Random) -> list[Row]:
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
