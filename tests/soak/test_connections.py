"""Connections that leak are told apart from those that pools open and close."""

from collections.abc import AsyncIterator
from typing import TypeAlias

import asyncpg
import pytest

from bench.soak.sampling import sample_connections
from bench.soak.series import Recording
from tests.conftest import RunningAuthority
from tests.inspection import database_uri

SAMPLES, SECONDS = 60, 5
MANY = 1000
Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"


class Connections:
    """Connections like those of an authority."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self.opened: list[Connection] = []

    async def set_number(self, number: int) -> None:
        """Open or close connections, until there are that many."""
        while len(self.opened) > number:
            await self.opened.pop().close()
        while len(self.opened) < number:
            settings = {"application_name": "hushpost test"}
            self.opened.append(await asyncpg.connect(self._dsn, server_settings=settings))


@pytest.fixture
async def connections(authority: RunningAuthority) -> AsyncIterator[Connections]:
    """None yet; they are closed after the test."""
    made = Connections(database_uri(authority.process.data_dir))
    yield made
    await made.set_number(0)


async def recorded(
    connections: Connections, database: Connection, numbers: list[int], pooled: int, idle: float
) -> Recording:
    """Return samples while there are so many connections."""
    recording = Recording()
    for sample, number in enumerate(numbers):
        await connections.set_number(number)
        recording.add(sample * SECONDS, await sample_connections(database, pooled, idle))
    return recording


async def test_connections_that_are_never_used_again_grow(
    connections: Connections, database: Connection
) -> None:
    """A pool would have closed them."""
    numbers = [sample // 10 for sample in range(SAMPLES)]
    recording = await recorded(connections, database, numbers, pooled=MANY, idle=0)
    assert recording.growing() == ["unused connections"]


async def test_connections_beyond_the_limits_of_pools_grow(
    connections: Connections, database: Connection
) -> None:
    """They grow even if they are in use."""
    numbers = [sample // 10 for sample in range(SAMPLES)]
    recording = await recorded(connections, database, numbers, pooled=3, idle=MANY)
    assert recording.growing() == ["connections beyond pools"]


async def test_pools_may_open_more_connections(
    connections: Connections, database: Connection
) -> None:
    """Connections that are used, and of which there are not too many, do not grow."""
    numbers = [sample // 5 for sample in range(SAMPLES)]
    recording = await recorded(connections, database, numbers, pooled=MANY, idle=MANY)
    assert recording.growing() == []
    series = recording.series["connections"].values
    assert series[-1] - series[0] >= SAMPLES // 5 - 1
