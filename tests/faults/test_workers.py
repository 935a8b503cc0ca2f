"""Several workers that serve one address (`hushpost serve --workers`)."""

import asyncio
import os
import signal
import socket
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, closing
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.request import urlopen

import grpc
import pytest

from hushpost_client import (
    Count,
    Hushpost,
    PolicyUpdate,
    Release,
    UnavailableError,
    Verdict,
)
from hushpost_client._async.calls import Calls
from tests.authority import AuthorityProcess
from tests.conftest import make_tenant
from tests.faults.connection_counts import sessions
from tests.faults.load import (
    IMPATIENT,
    PatientAuthority,
    check_acknowledged,
    prepared,
    under_load,
)
from tests.free_port import free_port
from tests.inspection import connected
from tests.mailing import clients_of, eventually, exact_count

WORKERS = 2
PEOPLE = 1200
CONNECTIONS = 24


@dataclass(frozen=True)
class ManyConnections(PatientAuthority):
    """An authority whose clients have a connection each, instead of a shared one."""

    def client(self, api_key: str) -> Hushpost:
        """Return a client with an API key."""
        options = [
            ("grpc.use_local_subchannel_pool", 1),
            ("grpc.initial_reconnect_backoff_ms", 20),
            ("grpc.max_reconnect_backoff_ms", 100),
        ]
        calls = Calls(api_key=api_key, timeout=90, retry=self.retry)
        return Hushpost(grpc.aio.insecure_channel(self.target, options), calls)


@dataclass(frozen=True)
class World:
    """An authority with workers, and the first port of their metrics."""

    process: AuthorityProcess
    authority: ManyConnections
    metrics_port: int

    def workers(self) -> set[int]:
        """Return the process ids of the workers."""
        return workers_of(self.process.process.pid)

    def calls(self, worker: int, method: str) -> float:
        """Return how many calls a worker has served, from its metrics."""
        url = f"http://127.0.0.1:{self.metrics_port + worker}/metrics"
        with urlopen(url, timeout=10) as response:
            lines = response.read().decode().splitlines()
        name = f'hushpost_rpc_calls_total{{code="OK",method="{method}"}} '
        return sum(float(line.removeprefix(name)) for line in lines if line.startswith(name))


def workers_of(parent: int) -> set[int]:
    """Return the process ids of the workers of a main process."""
    found = set()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
            command = (folder / "cmdline").read_bytes()
        except OSError:
            continue
        if int(fields[1]) == parent and fields[0] != "Z" and b"cli.worker" in command:
            found.add(int(folder.name))
    return found


def are_running(workers: set[int]) -> bool:
    """Return whether any of the processes exists."""
    return any(Path(f"/proc/{worker}").exists() for worker in workers)


def kill_all(world: World) -> set[int]:
    """Kill the workers, and return their process ids."""
    before = world.workers()
    assert len(before) == WORKERS
    for worker in before:
        os.kill(worker, signal.SIGKILL)
    return before


async def replaced(world: World, before: set[int]) -> None:
    """Wait until other workers run than before."""

    async def are_replaced() -> bool:
        now = world.workers()
        return not now & before and len(now) == WORKERS

    await eventually(are_replaced, "the workers are replaced")


@pytest.fixture(scope="module", params=["grpcio", "native"])
def world(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    """An authority with two workers on an embedded database, for each transport."""
    port = free_port(WORKERS)
    options = ("--workers", str(WORKERS), "--metrics-listen", f"127.0.0.1:{port}")
    folder = tmp_path_factory.mktemp("workers")
    with AuthorityProcess(folder, *options, "--transport", request.param) as process:
        yield World(process, ManyConnections(process, process.target, process.admin_key()), port)


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    """Close clients at the end of a test."""
    async with AsyncExitStack() as stack:
        yield stack


async def test_connections_are_spread_over_the_workers(world: World, stack: AsyncExitStack) -> None:
    """The kernel chooses a worker for each connection; each has metrics of its own."""
    for _ in range(CONNECTIONS):
        client = await stack.enter_async_context(world.authority.client(world.authority.admin_key))
        async for _tenant in client.admin.list_tenants():
            pass

    calls = [world.calls(worker, "ListTenants") for worker in range(WORKERS)]

    assert sum(calls) == CONNECTIONS
    assert min(calls) > 0


async def test_no_event_is_lost_when_workers_are_killed(
    world: World, stack: AsyncExitStack
) -> None:
    """With retries, killing each worker under load loses no event and counts none twice."""
    keys = await make_tenant(world.authority, PolicyUpdate(release=Release.EXACT))
    loads = [
        await prepared(
            await clients_of(stack, world.authority, keys=keys), f"killed-{number}", PEOPLE
        )
        for number in range(WORKERS)
    ]

    async with AsyncExitStack() as running:
        for load in loads:
            await running.enter_async_context(under_load(load, after=PEOPLE // 4))
        before = kill_all(world)
    await replaced(world, before)

    half = PEOPLE // 2
    for load in loads:
        assert load.refused == []
        opens = (await load.stats()).opens.human
        assert (opens.identified, exact_count(opens.anonymous)) == (
            Count(half, half),
            Count(half, half),
        )


async def test_the_embedded_database_is_restarted_after_a_crash(
    world: World, stack: AsyncExitStack
) -> None:
    """The workers go on with it: no acknowledged event is lost, and with retries none at all."""
    keys = await make_tenant(world.authority, PolicyUpdate(release=Release.EXACT))
    clients = await clients_of(stack, world.authority, keys=keys)
    patient = await prepared(clients, "crash", PEOPLE)
    impatient = await prepared(
        await clients_of(stack, replace(world.authority, retry=IMPATIENT), keys=keys),
        "crash-once",
        PEOPLE,
    )
    workers = world.workers()

    async with under_load(patient, after=PEOPLE // 4), under_load(impatient, after=PEOPLE // 4):
        world.process.end_postgres(signal.SIGKILL)

    assert patient.refused == []
    half = PEOPLE // 2
    opens = (await patient.stats()).opens.human
    assert (opens.identified, exact_count(opens.anonymous)) == (
        Count(half, half),
        Count(half, half),
    )
    assert {type(error) for error in impatient.refused} == {UnavailableError}
    await check_acknowledged(clients, impatient)
    assert world.workers() == workers


async def test_a_repeated_call_counts_once_at_any_worker(
    world: World, stack: AsyncExitStack
) -> None:
    """All workers know the request ids of the others, and of those that were killed."""
    keys = await make_tenant(world.authority, PolicyUpdate(release=Release.EXACT))
    load = await prepared(await clients_of(stack, world.authority, keys=keys), "repeated", 2)
    request_id = uuid.uuid4()

    async def repeat() -> None:
        for _ in range(CONNECTIONS):
            client = await stack.enter_async_context(world.authority.client(keys.edge_key))
            await client.tracking.record_open(
                load.tokens["known-repeated-0"], verdict=Verdict.HUMAN, request_id=request_id
            )

    await repeat()
    await replaced(world, kill_all(world))
    await repeat()

    assert (await load.stats()).opens.human.identified == Count(1, 1)


async def test_the_main_process_holds_no_database_connection(world: World) -> None:
    """All connections are those of workers, whose number the pages give."""
    main = world.process.process
    async with connected(world.process.data_dir) as connection:

        async def are_closed() -> bool:
            return await sessions(connection) == 0

        assert not await are_closed()
        main.send_signal(signal.SIGSTOP)  # so that it replaces no worker
        try:
            before = kill_all(world)
            await eventually(are_closed, "all connections are closed")
        finally:
            main.send_signal(signal.SIGCONT)
    await replaced(world, before)


def test_a_second_authority_cannot_join(world: World, tmp_path: Path) -> None:
    """The address is shared by workers of one main process only."""
    for options in (("--workers", "2"), ()):
        other = AuthorityProcess(tmp_path / str(len(options)), *options)
        other.target = world.process.target
        with pytest.raises(AssertionError, match="cannot listen on"):
            other.start()
        other.end_postgres()


async def test_workers_stop_when_the_main_process_dies(tmp_path: Path) -> None:
    """No worker is left behind, and the next start uses the same address and database."""
    with AuthorityProcess(tmp_path, "--workers", "2") as process:
        workers = workers_of(process.process.pid)
        assert len(workers) == WORKERS
        process.kill()

        async def are_gone() -> bool:
            return not are_running(workers)

        await eventually(are_gone, "the workers have stopped")
        await asyncio.to_thread(process.start)
        async with connected(process.data_dir) as connection:
            assert await connection.fetchval("select 1") == 1


def test_sigterm_stops_all(tmp_path: Path) -> None:
    """The main process stops its workers gracefully and exits with 0."""
    with AuthorityProcess(tmp_path, "--workers", "2") as process:
        workers = workers_of(process.process.pid)
        assert process.stop() == 0
        assert not are_running(workers)
        assert process.log_file.read_text().count('"stopped"') == WORKERS + 1


def test_a_worker_that_does_not_start_is_reported(tmp_path: Path) -> None:
    """An address of metrics that is in use ends the start with the worker's reason."""
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        process = AuthorityProcess(tmp_path, "--workers", "2", "--metrics-listen", address)
        with pytest.raises(AssertionError, match=f"cannot serve metrics on {address}"):
            process.start()
        assert "a worker did not start" in process.log_file.read_text()
        process.end_postgres()
