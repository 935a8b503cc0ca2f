"""Wrong clocks: of a process, and of a database."""

from datetime import timedelta
from pathlib import Path

from tests.authority import AuthorityProcess
from tests.inspection import connected

__all__ = ["set_database_clock", "shifted_clock", "with_adjustable_clock"]

_SET_UP = """
create schema shifted;
create table shifted.clock (shift interval not null);
insert into shifted.clock values ('0');
create function shifted.clock_timestamp() returns timestamptz volatile language sql
as 'select pg_catalog.clock_timestamp() + shift from shifted.clock';
alter database postgres set search_path = public, shifted, pg_catalog
"""


def shifted_clock(shift: timedelta) -> dict[str, str]:
    """Return the environment of a process whose wall clock is wrong."""
    return {
        "PYTHONPATH": str(Path(__file__).with_name("shifted_clock")),
        "SHIFTED_CLOCK_SECONDS": str(shift.total_seconds()),
    }


async def with_adjustable_clock(process: AuthorityProcess, shift: timedelta = timedelta()) -> None:
    """Restart an authority with a database whose clock `set_database_clock` can set.

    All sessions find a function `clock_timestamp` before that of PostgreSQL.
    """
    async with connected(process.data_dir) as connection:
        await connection.execute(_SET_UP)
    await set_database_clock(process, shift)
    assert process.stop() == 0
    process.start()


async def set_database_clock(process: AuthorityProcess, shift: timedelta) -> None:
    """Set how far the clock of the database is ahead of the real time."""
    async with connected(process.data_dir) as connection:
        await connection.execute("update shifted.clock set shift = $1", shift)
