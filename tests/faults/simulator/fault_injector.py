"""Makes the faults of a plan happen."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from functools import partial

from hushpost_service.storage.request_ids import PERIOD_SECONDS
from tests.clocks import set_clock
from tests.edge.edge_process import EdgeProcess
from tests.edge.raw_http import get
from tests.inspection import on
from tests.waiting import eventually

from .cluster import Cluster, Part, noted
from .cutting_proxy import CuttingProxy
from .plan import Fault, FaultKind

__all__ = ["FaultInjector"]

_ON_LIMITED_DISK = (
    FaultKind.FILL_DATABASE_DISK,
    FaultKind.FILL_LOG_DISK,
    FaultKind.FILL_EDGE_DISK,
    FaultKind.RESTART_EDGE_ON_FULL_DISK,
    FaultKind.KILL_EDGE_ON_FULL_DISK,
)
_MARGIN_SECONDS = 600
_USE_UP_LOG = (
    "select pg_logical_emit_message(false, '', ''), pg_switch_wal() from generate_series(1, 20)"
)
"""Uses the files of the log that exist. Without a new one the server crashes."""


class FaultInjector:
    """Makes faults happen, each at its time. Faults of one part wait for each other."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._database_shift = timedelta()
        self.happened: list[str] = []
        self._actions: dict[FaultKind, Callable[[Fault], Awaitable[None]]] = {
            FaultKind.KILL_AUTHORITY: self._restart_authority,
            FaultKind.RESTART_AUTHORITY: self._restart_authority,
            FaultKind.FREEZE_AUTHORITY: self._freeze_authority,
            FaultKind.KILL_EDGE: self._restart_edge,
            FaultKind.RESTART_EDGE: self._restart_edge,
            FaultKind.FREEZE_EDGE: self._freeze_edge,
            FaultKind.KILL_EDGE_WORKERS: self._kill_workers,
            FaultKind.FILL_EDGE_DISK: self._fill_edge_disk,
            FaultKind.RESTART_EDGE_ON_FULL_DISK: self._restart_on_full_disk,
            FaultKind.KILL_EDGE_ON_FULL_DISK: self._restart_on_full_disk,
            FaultKind.KILL_DATABASE: self._restart_database,
            FaultKind.RESTART_DATABASE: self._restart_database,
            FaultKind.FREEZE_DATABASE: self._freeze_database,
            FaultKind.CUT_DATABASE: partial(_cut, cluster.to_database),
            FaultKind.CUT_EDGE: partial(_cut, cluster.from_edge),
            FaultKind.CUT_CALLERS: partial(_cut, cluster.to_authority),
            FaultKind.STALL_DATABASE: partial(_stall, cluster.to_database),
            FaultKind.STALL_EDGE: partial(_stall, cluster.from_edge),
            FaultKind.STALL_CALLERS: partial(_stall, cluster.to_authority),
            FaultKind.SWITCH_EDGE: self._switch,
            FaultKind.KILL_ALL: self._kill_all,
            FaultKind.FILL_DATABASE_DISK: self._fill_database_disk,
            FaultKind.FILL_LOG_DISK: self._fill_database_disk,
            FaultKind.SET_AUTHORITY_CLOCK: partial(_set_clock, cluster.authorities),
            FaultKind.SET_EDGE_CLOCK: partial(_set_clock, cluster.edges),
            FaultKind.SET_DATABASE_CLOCK: self._set_database_clock,
        }

    async def run(self, faults: tuple[Fault, ...]) -> None:
        """Return when all faults are over."""
        loop = asyncio.get_running_loop()
        start = loop.time()
        async with asyncio.TaskGroup() as tasks:
            for fault in faults:
                if self._cluster.disk is None and fault.kind in _ON_LIMITED_DISK:
                    continue
                await asyncio.sleep(start + fault.at - loop.time())
                tasks.create_task(self._happen(fault))

    async def heal(self) -> None:
        """Let connections flow, set clocks right, and start what has ended."""
        cluster = self._cluster
        for part in (*cluster.authorities, *cluster.edges):
            part.clock.set(timedelta())
        for proxy in cluster.proxies:
            proxy.heal()
        await cluster.postgres.start()
        async with on(cluster.postgres.url) as connection:
            await set_clock(connection, timedelta())
        for part in (*cluster.authorities, *cluster.edges):
            await part.ensure_running()
        for number in range(len(cluster.edges)):
            await asyncio.to_thread(cluster.edge(number).wait)

    async def _happen(self, fault: Fault) -> None:
        self.happened.append(fault.kind.name)
        await self._actions[fault.kind](fault)

    async def _restart_authority(self, fault: Fault) -> None:
        part = self._cluster.authorities[fault.target]
        async with _affected(part):
            is_killed = fault.kind is FaultKind.KILL_AUTHORITY
            await _restart(part, fault.seconds, is_killed=is_killed)

    async def _restart_edge(self, fault: Fault) -> None:
        part = self._cluster.edges[fault.target]
        async with _affected(part):
            is_killed = fault.kind is FaultKind.KILL_EDGE
            await _restart(part, fault.seconds, is_killed=is_killed)

    async def _freeze_authority(self, fault: Fault) -> None:
        await _freeze(self._cluster.authorities[fault.target], fault.seconds)

    async def _freeze_edge(self, fault: Fault) -> None:
        await _freeze(self._cluster.edges[fault.target], fault.seconds)

    async def _kill_workers(self, fault: Fault) -> None:
        part, edge = self._cluster.edges[fault.target], self._cluster.edge(fault.target)
        async with _affected(part):
            edge.kill_workers()
            try:
                await asyncio.to_thread(edge.wait)
            except AssertionError:
                # Granian gives up if workers die again soon after their start.
                await part.start()

    async def _fill_edge_disk(self, fault: Fault) -> None:
        """Fill the disk of an edge, which does not disturb readers."""
        part = self._cluster.edges[fault.target]
        async with part.lock, _full_disk(part, fault.size):
            await asyncio.sleep(fault.seconds)

    async def _restart_on_full_disk(self, fault: Fault) -> None:
        part = self._cluster.edges[fault.target]
        is_killed = fault.kind is FaultKind.KILL_EDGE_ON_FULL_DISK
        async with part.lock, _full_disk(part, fault.size):
            await asyncio.sleep(fault.seconds)
            async with noted(part.disturbed):
                await _restart(part, 0, is_killed=is_killed)
            await asyncio.sleep(fault.seconds)

    async def _restart_database(self, fault: Fault) -> None:
        postgres = self._cluster.postgres
        async with self._cluster.postgres_lock:
            is_killed = fault.kind is FaultKind.KILL_DATABASE
            await asyncio.to_thread(postgres.kill if is_killed else postgres.stop)
            await postgres.start()

    async def _freeze_database(self, fault: Fault) -> None:
        postgres = self._cluster.postgres
        async with self._cluster.postgres_lock:
            postgres.freeze()
            try:
                await asyncio.sleep(fault.seconds)
            finally:
                postgres.thaw()

    async def _fill_database_disk(self, fault: Fault) -> None:
        disk, postgres = self._cluster.disk, self._cluster.postgres
        assert disk is not None
        async with self._cluster.postgres_lock:
            await asyncio.to_thread(disk.fill, fault.size)
            try:
                if fault.kind is FaultKind.FILL_LOG_DISK:
                    await postgres.try_fetch(_USE_UP_LOG)
                await asyncio.sleep(fault.seconds)
            finally:
                disk.clear()
            await postgres.start()

    async def _set_database_clock(self, fault: Fault) -> None:
        """Set the clock forward, within the week of a request id (see decision 3).

        The database's clock orders campaigns and changes, so it is set back only in the end.
        """
        left = PERIOD_SECONDS - time.time() % PERIOD_SECONDS - _MARGIN_SECONDS
        shift = min(abs(fault.shift), timedelta(seconds=max(left, 0)))
        async with self._cluster.postgres_lock:
            self._database_shift = max(self._database_shift, shift)
            async with on(self._cluster.postgres.url) as connection:
                await set_clock(connection, self._database_shift)

    async def _switch(self, fault: Fault) -> None:
        """Connect an edge to the other authority, as a load balancer would."""
        proxy = self._cluster.from_edge[fault.target]
        ports = [self._cluster.authority_port(number) for number in range(2)]
        proxy.switch(ports[1 - ports.index(proxy.target)])

    async def _kill_all(self, _: Fault) -> None:
        """Kill everything at once, as if the only machine lost power."""
        cluster = self._cluster
        parts = [*cluster.authorities, *cluster.edges]
        async with AsyncExitStack() as stack:
            for part in parts:
                await stack.enter_async_context(_affected(part))
            await stack.enter_async_context(cluster.postgres_lock)
            for part in parts:
                part.signal(signal.SIGKILL)
            await asyncio.to_thread(cluster.postgres.kill)
            for part in parts:
                await asyncio.to_thread(part.process.kill)
            await cluster.postgres.start()
            await asyncio.gather(*(part.start() for part in parts))


async def _restart(part: Part, seconds: float, *, is_killed: bool) -> None:
    if is_killed:
        await asyncio.to_thread(part.process.kill)
    else:
        assert await asyncio.to_thread(part.process.stop) == 0
    await asyncio.sleep(seconds)
    await part.start()


@asynccontextmanager
async def _full_disk(part: Part, left: int) -> AsyncIterator[None]:
    """Fill the disk of an edge except for some bytes, until it may record events again."""
    assert part.disk is not None
    async with noted(part.full):
        await asyncio.to_thread(part.disk.fill, left)
        try:
            yield
        finally:
            part.disk.clear()
        await eventually(lambda: _readiness(part), b"ok\n")


async def _readiness(part: Part) -> bytes:
    assert isinstance(part.process, EdgeProcess)
    try:
        return (await get(part.process.port, "/readyz")).body
    except (OSError, EOFError):  # it is busy
        return b""


async def _freeze(part: Part, seconds: float) -> None:
    async with _affected(part):
        part.signal(signal.SIGSTOP)
        try:
            await asyncio.sleep(seconds)
        finally:
            part.signal(signal.SIGCONT)


@asynccontextmanager
async def _affected(part: Part) -> AsyncIterator[None]:
    """Keep other faults away from a part, and note that it is disturbed."""
    async with part.lock, noted(part.disturbed):
        yield


async def _set_clock(parts: list[Part], fault: Fault) -> None:
    parts[fault.target].clock.set(fault.shift)


async def _cut(proxies: list[CuttingProxy], fault: Fault) -> None:
    proxies[fault.target].cut_after(fault.size)


async def _stall(proxies: list[CuttingProxy], fault: Fault) -> None:
    proxies[fault.target].stall()
    try:
        await asyncio.sleep(fault.seconds)
    finally:
        proxies[fault.target].resume()
