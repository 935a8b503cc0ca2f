"""The locks of a tenant hold also between authorities that use different coordinators."""

import asyncio

import pytest

from hushpost_service.domain.modes import Policy
from hushpost_service.storage.connection import Connection
from hushpost_service.storage.database import Database
from hushpost_service.storage.database_kind import DatabaseKind
from hushpost_service.storage.tenant_locks import (
    begin_anonymizing,
    begin_recording,
    lock_recording,
)
from hushpost_service.storage.tenants import insert_policy
from tests.citus_database import worker_addresses
from tests.inspection import on
from tests.waiting import eventually

TENANT = 4_711

WAITING = """
select count(*) from pg_locks
where locktype = 'advisory' and not granted and objid = $1 and objsubid = 2
    and database = (select oid from pg_database where datname = current_database())
"""


@pytest.fixture(scope="module")
async def tenant(database: Database) -> int:
    """A tenant with a policy."""
    await database.transact("test", lambda c: insert_policy(c, TENANT, Policy(), "test"))
    return TENANT


@pytest.fixture(scope="module")
async def servers(distributed: str) -> list[str]:
    """The addresses of all servers."""
    return [distributed, *await worker_addresses(distributed)]


async def _are_waiting(servers: list[str], tenant: int) -> int:
    """Return how many sessions of the cluster wait for a lock of the tenant."""
    count = 0
    for server in servers:
        async with on(server) as connection:
            count += await connection.fetchval(WAITING, tenant)
    return count


async def _opt_out(database: Database, kind: DatabaseKind, tenant: int) -> None:
    """Do what an opt-out does about the lock."""

    async def work(connection: Connection) -> None:
        await connection.execute("delete from last_opens where tenant = $1", tenant)
        await lock_recording(connection, kind, tenant)

    await database.transact("opt out", work)


class Recording:
    """A recording transaction that is open for the duration of the block."""

    def __init__(self, database: Database, begin: str) -> None:
        self._database = database
        self._begin = begin
        self._has_begun = asyncio.Event()
        self._may_end = asyncio.Event()

    async def __aenter__(self) -> None:
        self._task = asyncio.create_task(
            self._database.transact("record", self._work, self._begin, "commit")
        )
        begun = asyncio.create_task(self._has_begun.wait())
        await asyncio.wait([self._task, begun], return_when=asyncio.FIRST_COMPLETED)
        if self._task.done():
            begun.cancel()
            await self._task

    async def __aexit__(self, *_: object) -> None:
        self._may_end.set()
        await self._task

    async def _work(self, _: Connection) -> None:
        self._has_begun.set()
        await self._may_end.wait()


@pytest.fixture(params=["opt-out by worker", "recording by worker"])
async def two(
    request: pytest.FixtureRequest, database: Database, by_worker: Database
) -> tuple[Database, Database]:
    """Pools of a recording authority and of one that opts out, at different coordinators."""
    pools = (database, by_worker)
    return pools if request.param == "opt-out by worker" else pools[::-1]


async def test_an_opt_out_waits_for_a_recording_by_another_coordinator(
    two: tuple[Database, Database], servers: list[str], tenant: int
) -> None:
    """The lock is on the worker that has the tenant, wherever the statement came from."""
    recording, opting_out = two
    begin = begin_recording(DatabaseKind.DISTRIBUTED, tenant)
    async with Recording(recording, begin):
        opt_out = asyncio.create_task(_opt_out(opting_out, DatabaseKind.DISTRIBUTED, tenant))
        await eventually(lambda: _are_waiting(servers, tenant), 1)
        assert not opt_out.done()
    await opt_out


async def test_a_lock_on_the_coordinator_would_not_do(
    two: tuple[Database, Database], tenant: int
) -> None:
    """Control: with locks as on a single server, an opt-out overtakes the recording."""
    recording, opting_out = two
    async with Recording(recording, begin_recording(DatabaseKind.SINGLE, tenant)):
        await _opt_out(opting_out, DatabaseKind.SINGLE, tenant)


async def test_recordings_by_different_coordinators_do_not_wait(
    two: tuple[Database, Database], tenant: int
) -> None:
    """They share the lock."""
    begin = begin_recording(DatabaseKind.DISTRIBUTED, tenant)
    async with Recording(two[0], begin), Recording(two[1], begin):
        pass


async def test_anonymizing_transactions_run_one_at_a_time(
    two: tuple[Database, Database], servers: list[str], tenant: int
) -> None:
    """Also by different coordinators."""
    begin = begin_anonymizing(DatabaseKind.DISTRIBUTED, tenant)

    async def second() -> None:
        async with Recording(two[1], begin):
            pass

    async with Recording(two[0], begin):
        waiting = asyncio.create_task(second())
        await eventually(lambda: _are_waiting(servers, tenant), 1)
    await waiting
