"""Fixtures: distributed databases. The tests here need a cluster, see `make test-citus`."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from hushpost_service.domain.validation import oldest_event
from hushpost_service.storage.database import Database
from hushpost_service.storage.database_kind import DatabaseKind
from hushpost_service.storage.partitions import create_partitions
from tests import citus_database

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip the tests of this folder unless a cluster is given."""
    if citus_database.is_on_citus():
        return
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.skip(reason="needs --citus"))


@pytest.fixture
async def undistributed() -> AsyncIterator[str]:
    """The address of an empty database of a cluster."""
    address = await citus_database.new_cluster_database(is_distributed=False)
    yield address
    await citus_database.drop(address)


@pytest.fixture(scope="module")
async def distributed() -> AsyncIterator[str]:
    """The address of a distributed database with partitions, on the coordinator."""
    address = await citus_database.new_cluster_database()
    database = await Database.connect(address, connections=1, kind=DatabaseKind.DISTRIBUTED)
    now = datetime.now(UTC)
    await database.transact("test", lambda c: create_partitions(c, oldest_event(now), now))
    await database.close()
    yield address
    await citus_database.drop(address)


@pytest.fixture(scope="module")
async def database(distributed: str) -> AsyncIterator[Database]:
    """The service's connection pool, connected to `distributed`."""
    pool = await Database.connect(distributed, connections=8, kind=DatabaseKind.DISTRIBUTED)
    yield pool
    await pool.close()


@pytest.fixture(scope="module")
async def by_worker(distributed: str) -> AsyncIterator[Database]:
    """A pool connected to a worker, which can route statements to other workers, too."""
    (worker, *_) = await citus_database.worker_addresses(distributed)
    pool = await Database.connect(worker, connections=8, kind=DatabaseKind.DISTRIBUTED)
    yield pool
    await pool.close()
