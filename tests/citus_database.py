"""Databases on a Citus cluster, for runs with the option --citus.

Each authority of such a run gets a database of its own, which is distributed over the workers of the
cluster. Its address is in the data folder, so that tests find it like an embedded one.
"""

import asyncio
import os
import uuid
from collections.abc import AsyncIterator, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

import asyncpg

from hushpost_service.storage.distribution import distribute
from hushpost_service.storage.schema import migrate

__all__ = [
    "VARIABLE",
    "add_worker",
    "address_in",
    "at_server",
    "create_database",
    "drop",
    "drop_database",
    "is_on_citus",
    "new_cluster_database",
    "server_addresses",
    "server_of",
    "worker_addresses",
]

VARIABLE = "HUSHPOST_TEST_CITUS"
"""Names the environment variable with the address of a database on the coordinator."""

_SHARDS = 4
_DEFAULT_PORT = 5432
_ATTEMPTS = 10
_NODES_LOCK = 7_215_001
_FILE = "database.url"

_WORKERS = """
select nodename, nodeport from pg_dist_node
where groupid > 0 and noderole = 'primary' and isactive
order by nodeid
"""

T = TypeVar("T")


@dataclass(frozen=True)
class _Cluster:
    """A database with the same name on the coordinator and on each worker."""

    coordinator: str
    workers: list[str]


def is_on_citus() -> bool:
    """Return whether the authorities of this run use a Citus cluster."""
    return VARIABLE in os.environ


def address_in(data_dir: Path) -> str | None:
    """Return the address of the distributed database of a data folder; None if it has none."""
    file = data_dir / _FILE
    return file.read_text() if file.exists() else None


def create_database(data_dir: Path) -> str:
    """Create a distributed database for a data folder, unless it has one; return its address."""
    if (address := address_in(data_dir)) is None:
        address = _run(new_cluster_database())
        data_dir.mkdir(parents=True, exist_ok=True)
        (data_dir / _FILE).write_text(address)
    return address


def drop_database(data_dir: Path) -> None:
    """Drop the distributed database of a data folder, if it has one."""
    if (address := address_in(data_dir)) is not None:
        _run(drop(address))
        (data_dir / _FILE).unlink()


async def worker_addresses(coordinator: str) -> list[str]:
    """Return the addresses of a database on the workers, from that on the coordinator."""
    connection = await asyncpg.connect(coordinator)
    try:
        nodes = await connection.fetch(_WORKERS)
    finally:
        await connection.close()
    return [at_server(coordinator, host, port) for host, port in nodes]


async def server_addresses(coordinator: str) -> list[str]:
    """Return the addresses of a database on the coordinator, and on workers also before it uses them."""
    name = urlsplit(coordinator).path.removeprefix("/")
    cluster = await _cluster(os.environ[VARIABLE])
    return [_named(server, name) for server in (cluster.coordinator, *cluster.workers)]


def server_of(address: str) -> tuple[str, int]:
    """Return the host and the port of an address, by default PostgreSQL's."""
    parts = urlsplit(address)
    return parts.hostname or "localhost", parts.port or _DEFAULT_PORT


def at_server(address: str, host: str, port: int) -> str:
    """Return the address of the same database, for the same role, on another server."""
    parts = urlsplit(address)
    role, at, _ = parts.netloc.rpartition("@")
    return parts._replace(netloc=f"{role}{at}{host}:{port}").geturl()


async def new_cluster_database(*, is_distributed: bool = True, workers: int | None = None) -> str:
    """Create a database on all servers of the cluster; return its address on the coordinator.

    Args:
        is_distributed: Whether it gets a schema, and is distributed.
        workers: How many workers it uses, by default all.
    """
    name = f"hushpost_test_{uuid.uuid4().hex[:12]}"
    cluster = await _cluster(os.environ[VARIABLE])
    for address in (cluster.coordinator, *cluster.workers):
        await _execute(address, f"create database {name}")
        await _execute(_named(address, name), "create extension citus")
    uri = _named(cluster.coordinator, name)
    await _change_nodes(uri, "citus_set_coordinator_host", cluster.coordinator)
    for worker in cluster.workers[:workers]:
        await add_worker(uri, worker)
    if is_distributed:
        await migrate(uri)
        await distribute(uri, _SHARDS)
    return uri


async def add_worker(coordinator: str, worker: str) -> None:
    """Let a database use a worker, of which an address is given."""
    await _change_nodes(coordinator, "citus_add_node", worker)


async def _change_nodes(coordinator: str, function: str, server: str) -> None:
    """Call a function of Citus about a server."""
    host, port = server_of(server)
    async with _lock(os.environ[VARIABLE]):
        await _execute(coordinator, f"select {function}('{host}', {port})")


@asynccontextmanager
async def _lock(server: str) -> AsyncIterator[None]:
    """Keep other test processes from adding nodes at the same time.

    It changes rows that all databases of a server share, so two at once fail.
    """
    connection = await asyncpg.connect(server)
    try:
        await connection.execute(f"select pg_advisory_lock({_NODES_LOCK})")
        yield
    finally:
        await connection.close()


async def drop(address: str) -> None:
    """Drop a database on all servers of the cluster."""
    name = urlsplit(address).path.removeprefix("/")
    cluster = await _cluster(os.environ[VARIABLE])
    for server in (cluster.coordinator, *cluster.workers):
        # The daemon of the extension may connect again in between.
        for remaining in reversed(range(_ATTEMPTS)):
            try:
                await _execute(server, f"drop database if exists {name} with (force)")
                break
            except asyncpg.ObjectInUseError:
                if not remaining:
                    raise


async def _cluster(server: str) -> _Cluster:
    return _Cluster(server, await worker_addresses(server))


def _named(address: str, database: str) -> str:
    return urlsplit(address)._replace(path=f"/{database}").geturl()


async def _execute(address: str, statement: str) -> None:
    connection = await asyncpg.connect(address)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


def _run(work: Coroutine[object, object, T]) -> T:
    """Run to the end, also while an event loop runs."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()
