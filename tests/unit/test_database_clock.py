"""The clock that follows the database's."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from hushpost_service.domain.errors import HushpostError, Reason
from hushpost_service.storage.database import Database
from hushpost_service.storage.database_clock import DatabaseClock

START = datetime(2026, 6, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)
WEEK = timedelta(days=7)


@dataclass
class World:
    """A database with a clock, a round trip, and the monotonic clock of a process."""

    now: datetime = START
    monotonic: float = 1000.0
    there: float = 0.0
    back: float = 0.0
    jumps: list[datetime] = field(default_factory=list)

    def clock(self) -> DatabaseClock:
        """Create a clock of a process whose own wall clock is wrong."""
        return DatabaseClock(cast("Database", self), lambda: self.monotonic, lambda: 0.0)

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds * SECOND
        self.monotonic += seconds

    @asynccontextmanager
    async def connection(self, _: str) -> AsyncIterator[Any]:
        """Stand in for the connection pool."""
        yield self

    async def fetchval(self, _: str) -> datetime:
        """Return the database's time after the way there; then the way back takes time."""
        self.wait(self.there)
        now = self.now
        self.wait(self.back)
        return now

    async def on_jump(self, now: datetime) -> None:
        """Note the new time."""
        self.jumps.append(now)


async def test_the_clock_counts_on_between_measurements() -> None:
    """It returns the database's time, whatever the local clock says."""
    world = World()
    clock = world.clock()
    await clock.measure(world.on_jump)
    for seconds in (0, 0.5, 3600):
        world.wait(seconds)
        assert abs(clock() - world.now) < SECOND / 1000
    assert world.jumps == [START]


@pytest.mark.parametrize(("there", "back"), [(0, 4), (4, 0), (1, 1), (0, 0)])
async def test_the_error_is_at_most_half_a_round_trip(there: float, back: float) -> None:
    """A slow measurement after a fast one does not make the clock worse."""
    world = World(there=there, back=back)
    clock = world.clock()
    await clock.measure(world.on_jump)
    assert abs(clock() - world.now) <= (there + back) / 2 * SECOND + SECOND / 1000
    world.there = world.back = 0.0
    await clock.measure(world.on_jump)
    world.there, world.back = there, back
    await clock.measure(world.on_jump)
    assert abs(clock() - world.now) < SECOND / 1000


@pytest.mark.parametrize("jump", [WEEK, -WEEK, timedelta(hours=1), -30 * SECOND])
async def test_the_clock_follows_a_correction(jump: timedelta) -> None:
    """After a measurement it has the new time, in either direction."""
    world = World()
    clock = world.clock()
    await clock.measure(world.on_jump)
    world.now += jump
    await clock.measure(world.on_jump)
    assert abs(clock() - world.now) < SECOND / 1000
    assert len(world.jumps) == 1 + (abs(jump) > timedelta(minutes=1))


async def test_a_jump_is_prepared_before_the_new_time_is_used() -> None:
    """While the preparation fails, the clock keeps its time."""
    world = World()
    clock = world.clock()

    async def prepare(now: datetime) -> None:
        world.jumps.append(now)
        assert len(world.jumps) == 1 or abs(clock() - START) < SECOND
        if len(world.jumps) == 2:
            raise HushpostError(Reason.DATABASE_UNAVAILABLE, "down")

    await clock.measure(prepare)
    world.now += WEEK
    with pytest.raises(HushpostError):
        await clock.measure(prepare)
    assert abs(clock() - START) < SECOND
    await clock.measure(prepare)
    assert clock() - START == WEEK


def test_without_a_measurement_there_is_no_time() -> None:
    """The clock never falls back to the local time."""
    with pytest.raises(RuntimeError):
        World().clock()()
