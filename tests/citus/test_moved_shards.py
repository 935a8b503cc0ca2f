"""What a shard that has moved leaves on its old worker, and what ends it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from hushpost_client import DoNotTrack
from tests.authority import AuthorityProcess
from tests.citus.shards import clean_up, move, worker_of
from tests.citus.test_scrub import scrub
from tests.citus_database import worker_addresses
from tests.conftest import RunningAuthority
from tests.inspection import (
    Connection,
    connected,
    contact_number,
    database_uri,
    events_of,
    on,
    tenant_number,
)
from tests.mailing import Mailing, clients_of, send

SHARDS_OF_EVENTS = r"select relname from pg_class where relname ~ '^events_\d+_\d+_\d+$'"
REFUSED = "this server still has tables of shards that have moved to another"


@dataclass(frozen=True)
class Town:
    """A campaign with an open of ann, and the address of the worker that has them at first."""

    mailing: Mailing
    tenant: int
    ann: int
    coordinator: Connection
    old_worker: str

    async def opens_on_old_worker(self) -> int:
        """Return how many rows of tables on the old worker name ann."""
        async with _shards(self.old_worker) as (worker, shards):
            statements = [f"select count(*) from {shard} where contact = $1" for shard in shards]  # noqa: S608 - ours
            return sum([await worker.fetchval(each, self.ann) for each in statements])


@asynccontextmanager
async def _shards(worker: str) -> AsyncIterator[tuple[Connection, list[str]]]:
    """Yield a connection to a worker, and the names of its tables of events."""
    async with on(worker) as connection:
        await connection.execute("set citus.override_table_visibility = off")
        await connection.execute("set citus.enable_manual_changes_to_shards = on")
        yield connection, [name for (name,) in await connection.fetch(SHARDS_OF_EVENTS)]


@asynccontextmanager
async def _shards_in_use(worker: str) -> AsyncIterator[None]:
    """Read the tables of events on a worker in a transaction, so that they are not dropped."""
    async with _shards(worker) as (connection, shards), connection.transaction():
        await connection.execute(f"lock table {', '.join(shards)} in access share mode")
        yield


@pytest.fixture
async def town(tmp_path: Path) -> AsyncIterator[Town]:
    """One contact has opened."""
    async with AsyncExitStack() as stack:
        process = stack.enter_context(AuthorityProcess(tmp_path))
        authority = RunningAuthority.of(process)
        clients = await clients_of(stack, authority)
        mailing = await send(clients, ["ann"])
        await mailing.open("ann")
        database = await stack.enter_async_context(connected(process.data_dir))
        tenant = await tenant_number(database, clients.tenant_id)
        worker = await worker_of(database, tenant)
        addresses = await worker_addresses(database_uri(process.data_dir))
        (old_worker,) = [address for address in addresses if f"@{worker}/" in address]
        ann = await contact_number(database, tenant, "ann")
        yield Town(mailing, tenant, ann, database, old_worker)


async def test_opt_outs_do_not_reach_tables_that_a_shard_has_left(town: Town) -> None:
    """Documented limit: until they are dropped, the old worker has the rows from before the move.

    The command of the page drops them.
    """
    async with _shards_in_use(town.old_worker):
        await move(town.coordinator, town.tenant)
        await town.mailing.clients.sender.preferences.set_preference("ann", DoNotTrack.TRUE)
        assert await events_of(town.coordinator, town.tenant, "ann") == 0
        assert await town.opens_on_old_worker() == 1
    await clean_up(town.coordinator)
    assert await town.opens_on_old_worker() == 0


async def test_scrubbing_fails_while_there_are_tables_of_moved_shards(town: Town) -> None:
    """A scrub that succeeds has removed all traces: it does not overlook these copies."""
    async with _shards_in_use(town.old_worker):
        await move(town.coordinator, town.tenant)
        done = await asyncio.to_thread(scrub, town.old_worker)
    assert done.returncode == 1
    assert f"hushpost: {REFUSED}" in done.stderr
    await clean_up(town.coordinator)
    done = await asyncio.to_thread(scrub, town.old_worker)
    assert REFUSED not in done.stderr
    # Whether old WAL is gone depends on the server.
    assert done.returncode == 0 or "the tables are scrubbed" in done.stderr, done.stderr
