"""`hushpost distribute` removes samples about persons from shards that Citus has created anew."""

import asyncio
import os
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import pytest

from hushpost_service.storage.database import Database
from hushpost_service.storage.database_kind import DatabaseKind
from hushpost_service.storage.partitions import create_partitions
from tests import citus_database
from tests.citus.commands import distribute
from tests.citus.samples import assert_no_samples_about_persons, insert_events_and_contacts
from tests.citus.shards import (
    clean_up,
    isolate,
    move,
    one_tenant_per_shard,
    placements,
    rebalance,
    unbalance,
)
from tests.inspection import Connection, on

TIMES = [datetime.now(UTC), datetime.now(UTC) + timedelta(days=300)]


@pytest.fixture(scope="module")
async def coordinator(database: Database, distributed: str) -> AsyncIterator[Connection]:
    """A database with contacts and events in each shard."""
    await database.transact("test", lambda c: create_partitions(c, TIMES[1], TIMES[1]))
    async with on(distributed) as connection:
        for tenant in await one_tenant_per_shard(connection):
            await insert_events_and_contacts(connection, tenant, TIMES)
        yield connection


@pytest.fixture
async def owned() -> AsyncIterator[tuple[str, str]]:
    """The addresses of a database that a role owns: for that role, and for the superuser."""
    role = f"hushpost_test_{uuid.uuid4().hex[:12]}"
    address = await citus_database.new_cluster_database(is_distributed=False)
    name = urlsplit(address).path.removeprefix("/")
    await _on_servers(f"create role {role} login", f"alter database {name} owner to {role}")
    host = urlsplit(address).netloc.rpartition("@")[2]
    yield urlsplit(address)._replace(netloc=f"{role}@{host}").geturl(), address
    await citus_database.drop(address)
    await _on_servers(f"drop role {role}")


async def _on_servers(*statements: str) -> None:
    """Execute statements on each server of the cluster."""
    coordinator = os.environ[citus_database.VARIABLE]
    for server in (coordinator, *await citus_database.worker_addresses(coordinator)):
        async with on(server) as connection:
            for statement in ("set citus.enable_ddl_propagation = off", *statements):
                await connection.execute(statement)


@pytest.fixture
async def tenant(coordinator: Connection) -> int:
    """A tenant."""
    return (await one_tenant_per_shard(coordinator))[0]


async def _distribute(coordinator: Connection, address: str) -> None:
    """Run the command after the workers have analyzed the shards, as autovacuum does."""
    await coordinator.execute("analyze")
    done = await asyncio.to_thread(distribute, address)
    assert done.returncode == 0, done.stderr


async def test_a_moved_shard_has_no_samples_about_persons(
    coordinator: Connection, distributed: str, tenant: int
) -> None:
    """Partitions lose the settings of columns when their shard moves; the command restores them."""
    before = await placements(coordinator)
    await move(coordinator, tenant)
    await clean_up(coordinator)
    assert await placements(coordinator) != before
    await _distribute(coordinator, distributed)
    await assert_no_samples_about_persons(coordinator, TIMES)


async def test_rebalanced_shards_have_no_samples_about_persons(
    coordinator: Connection, distributed: str
) -> None:
    """The same holds for shards that Citus moves in the background."""
    await unbalance(coordinator)
    await clean_up(coordinator)
    assert len(set((await placements(coordinator)).values())) == 1
    await rebalance(coordinator)
    await clean_up(coordinator)
    assert len(set((await placements(coordinator)).values())) > 1
    await _distribute(coordinator, distributed)
    await assert_no_samples_about_persons(coordinator, TIMES)


async def test_the_shard_of_an_isolated_tenant_has_no_samples_about_persons(
    coordinator: Connection, distributed: str, tenant: int
) -> None:
    """Nor have the shards with the rest of the tenants that it was among."""
    before = await placements(coordinator)
    await isolate(coordinator, tenant)
    await clean_up(coordinator)
    assert len(await placements(coordinator)) > len(before)
    await _distribute(coordinator, distributed)
    await assert_no_samples_about_persons(coordinator, TIMES)


async def test_only_a_superuser_can_delete_samples(owned: tuple[str, str]) -> None:
    """For another role, which can restore the settings, the command says so."""
    by_role, by_superuser = owned
    assert (await asyncio.to_thread(distribute, by_role)).returncode == 0
    pool = await Database.connect(by_role, connections=1, kind=DatabaseKind.DISTRIBUTED)
    await pool.transact("test", lambda c: create_partitions(c, TIMES[0], TIMES[0]))
    await pool.close()
    async with on(by_superuser) as connection:
        tenant, *_ = await one_tenant_per_shard(connection)
        await insert_events_and_contacts(connection, tenant, TIMES[:1])
        await move(connection, tenant)
        await clean_up(connection)
        await connection.execute("analyze")
        refused = await asyncio.to_thread(distribute, by_role)
        assert refused.returncode == 1
        assert "which only a superuser can delete" in refused.stderr
        assert (await asyncio.to_thread(distribute, by_superuser)).returncode == 0
        done = await asyncio.to_thread(distribute, by_role)
        assert (done.returncode, done.stderr) == (0, "")
        await assert_no_samples_about_persons(connection, TIMES[:1])
