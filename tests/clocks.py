"""Wrong clocks: of a process, and of a database."""

import struct
from datetime import timedelta
from pathlib import Path

from tests.authority import AuthorityProcess
from tests.inspection import Connection, connected

__all__ = [
    "WallClock",
    "make_clock_adjustable",
    "set_clock",
    "set_database_clock",
    "with_adjustable_clock",
]

_SET_UP = """
create schema shifted;
create table shifted.clock (shift interval not null);
insert into shifted.clock values ('0');
create function shifted.clock_timestamp() returns timestamptz volatile language sql
as 'select pg_catalog.clock_timestamp() + shift from shifted.clock';
alter database postgres set search_path = public, shifted, pg_catalog
"""


class WallClock:
    """The wall clock of a Python process, which can be set while the process runs.

    Args:
        file: Where the shift is stored.
        shift: How far the clock is ahead of the real time.
    """

    def __init__(self, file: Path, shift: timedelta = timedelta()) -> None:
        self._file = file
        self._file.touch()
        self.set(shift)

    @property
    def environment(self) -> dict[str, str]:
        """The environment of the process."""
        return {
            "PYTHONPATH": str(Path(__file__).with_name("shifted_clock")),
            "SHIFTED_CLOCK_FILE": str(self._file),
        }

    def set(self, shift: timedelta) -> None:
        """Set how far the clock is ahead of the real time."""
        with self._file.open("r+b") as file:  # in place, because the process has mapped it
            file.write(struct.pack("d", shift.total_seconds()))


async def with_adjustable_clock(process: AuthorityProcess, shift: timedelta = timedelta()) -> None:
    """Restart an authority with a database whose clock `set_database_clock` can set."""
    async with connected(process.data_dir) as connection:
        await make_clock_adjustable(connection)
        await set_clock(connection, shift)
    assert process.stop() == 0
    process.start()


async def set_database_clock(process: AuthorityProcess, shift: timedelta) -> None:
    """Set how far the clock of the database is ahead of the real time."""
    async with connected(process.data_dir) as connection:
        await set_clock(connection, shift)


async def make_clock_adjustable(connection: Connection) -> None:
    """Let all later sessions find a function `clock_timestamp` before that of PostgreSQL."""
    await connection.execute(_SET_UP)


async def set_clock(connection: Connection, shift: timedelta) -> None:
    """Set how far an adjustable clock is ahead of the real time."""
    await connection.execute("update shifted.clock set shift = $1", shift)
