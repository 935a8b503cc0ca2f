"""A database that hangs without closing its connections."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from hushpost_client import DeadlineExceededError, UnavailableError
from tests.authority import AuthorityProcess
from tests.conftest import RunningAuthority
from tests.faults.extent import FULL
from tests.inspection import connected
from tests.wire import Wire

NOTICED_SECONDS = 5

LIMIT_SECONDS = NOTICED_SECONDS if FULL else 30
"""A busy machine may take longer than the authority's own intervals add up to."""


class Health:
    """Asks the health service."""

    def __init__(self, wire: Wire) -> None:
        self._stub: Any = health_pb2_grpc.HealthStub(wire.channel)

    async def of(self, service: str) -> str:
        """Return the status of a service."""
        request = health_pb2.HealthCheckRequest(service=service)
        answer = await self._stub.Check(request, timeout=LIMIT_SECONDS)
        return health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status)

    async def becomes(self, status: str) -> None:
        """Wait until the status of the server is `status`, at most for `LIMIT_SECONDS`."""
        deadline = time.monotonic() + LIMIT_SECONDS
        while await self.of("") != status:
            assert time.monotonic() < deadline, f"health does not become {status}"
            await asyncio.sleep(0.05)


@pytest.fixture(scope="module")
async def frozen(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RunningAuthority]:
    """An authority with a database of its own."""
    with AuthorityProcess(tmp_path_factory.mktemp("frozen")) as process:
        yield RunningAuthority.of(process)


@contextmanager
def stopped(process: AuthorityProcess) -> Iterator[None]:
    """Stop all processes of the database, and let them continue at the end."""
    postmaster = process.postgres_pid()
    assert postmaster is not None
    pids = [postmaster, *_children(postmaster)]
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


def _children(parent: int) -> list[int]:
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue  # it has ended
        if int(fields[1]) == parent:
            found.append(int(stat.parent.name))
    return found


async def test_health_follows_a_database_that_freezes(frozen: RunningAuthority) -> None:
    """Readiness is lost and regained within five seconds, while calls wait; liveness stays."""
    async with Wire(frozen.target) as wire, frozen.client(frozen.admin_key) as client:
        health = Health(wire)
        await health.becomes("SERVING")
        with stopped(frozen.process):
            waiting = [
                asyncio.ensure_future(client.admin.create_tenant(f"t{n}", timeout=30))
                for n in range(20)
            ]
            await health.becomes("NOT_SERVING")
            assert await health.of("liveness") == "SERVING"
            with pytest.raises(DeadlineExceededError):
                await client.admin.get_tenant("t1", timeout=0.5)
        await health.becomes("SERVING")
        assert await health.of("hushpost.v1.TrackingService") == "SERVING"
        tenants = await asyncio.gather(*waiting)
        assert {tenant.tenant_id for tenant in tenants} == {f"t{n}" for n in range(20)}


async def test_health_does_not_depend_on_free_connections(frozen: RunningAuthority) -> None:
    """A database that is busy, but answers, is SERVING: here all connections wait for a lock."""
    async with (
        Wire(frozen.target) as wire,
        frozen.client(frozen.admin_key) as client,
        connected(frozen.process.data_dir) as database,
    ):
        health = Health(wire)
        async with database.transaction():
            await database.execute("lock table tenants in exclusive mode")
            waiting = [
                asyncio.ensure_future(client.admin.create_tenant(f"busy{n}", timeout=30))
                for n in range(20)
            ]
            until = time.monotonic() + NOTICED_SECONDS
            while time.monotonic() < until:
                assert await health.of("") == "SERVING"
                await asyncio.sleep(0.2)
        await asyncio.gather(*waiting)


@pytest.mark.skipif(not FULL, reason="takes as long as an authority may take to end")
async def test_an_authority_ends_though_its_database_hangs(tmp_path: Path) -> None:
    """It ends in time after SIGTERM, while calls and the end of the database wait."""
    with AuthorityProcess(tmp_path, "--shutdown-seconds=1") as process:
        running = RunningAuthority.of(process)
        async with running.client(running.admin_key) as client:
            with stopped(process):
                calls = [
                    asyncio.ensure_future(client.admin.create_tenant(f"t{n}", timeout=30))
                    for n in range(20)
                ]
                await asyncio.sleep(0.5)  # so that they wait for the database
                assert await asyncio.to_thread(process.stop) == 1
                assert "stopping takes too long" in process.log_file.read_text()
            results = await asyncio.gather(*calls, return_exceptions=True)
            assert {type(result) for result in results} == {UnavailableError}
