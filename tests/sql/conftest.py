"""Fixtures: separate databases on the PostgreSQL server of the shared authority."""

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest

from hushpost_service.domain.validation import oldest_event
from hushpost_service.storage.database import Database
from hushpost_service.storage.partitions import create_partitions
from hushpost_service.storage.schema import migrate
from tests.conftest import RunningAuthority
from tests.inspection import database_uri, on


@asynccontextmanager
async def new_database(authority: RunningAuthority) -> AsyncIterator[str]:
    """Create a database for the duration of the block; yield its address."""
    server = database_uri(authority.process.data_dir)
    name = f"d_{uuid.uuid4().hex[:12]}"
    async with on(server) as connection:
        await connection.execute(f"create database {name}")
    yield server.replace("/postgres?", f"/{name}?")
    async with on(server) as connection:
        await connection.execute(f"drop database {name} with (force)")


@pytest.fixture
async def empty_database(authority: RunningAuthority) -> AsyncIterator[str]:
    """The address of an empty database, one per test."""
    async with new_database(authority) as uri:
        yield uri


@pytest.fixture(scope="session")
async def migrated_database(authority: RunningAuthority) -> AsyncIterator[str]:
    """The address of a database with the schema and partitions, shared by all tests here."""
    async with new_database(authority) as uri:
        await migrate(uri)
        now = datetime.now(UTC)
        async with on(uri) as connection, connection.transaction():
            await create_partitions(connection, oldest_event(now), now)  # type: ignore[arg-type] # not of a pool
        yield uri


@pytest.fixture(scope="session")
async def database(migrated_database: str) -> AsyncIterator[Database]:
    """The service's connection pool, connected to `migrated_database`."""
    pool = await Database.connect(migrated_database, connections=4)
    yield pool
    await pool.close()
