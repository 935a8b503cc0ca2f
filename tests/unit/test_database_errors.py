"""What `Database` makes of errors of the driver."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import asyncpg
import pytest

from hushpost_service.domain.errors import HushpostError
from hushpost_service.storage.database import Database


class BreakingPool:
    """A pool that fails to take its connections back, as asyncpg's does if the server hangs."""

    @asynccontextmanager
    async def acquire(self) -> AsyncIterator[object]:
        """Lend a connection."""
        try:
            yield object()
        finally:
            raise asyncpg.InterfaceError("closed")


@pytest.fixture
def database() -> Database:
    """A database whose connections break when they are returned."""
    return Database(cast(Any, BreakingPool()))


async def test_a_failure_of_the_driver_is_a_hushpost_error(database: Database) -> None:
    """Callers see no exception of the driver."""
    with pytest.raises(HushpostError):
        async with database.connection("test"):
            pass


async def test_a_cancelled_task_ends(database: Database) -> None:
    """A job that tries again after errors ends when it is cancelled, even if the driver fails."""

    async def job() -> None:
        while True:
            try:
                async with database.connection("test"):
                    await asyncio.sleep(60)
            except HushpostError:
                await asyncio.sleep(60)

    task = asyncio.create_task(job())
    await asyncio.sleep(0)
    task.cancel()
    done, _ = await asyncio.wait([task], timeout=5)
    task.cancel()
    assert done
    assert task.cancelled()
