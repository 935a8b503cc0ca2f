"""Two authorities and two edges on one database, with a proxy on every connection between them.

callers -- proxy --> authority 0 -- proxy --> database
callers -- proxy --> authority 1 -- proxy --> database
edge 0 -- proxy --> authority 0, or 1 after a switch
edge 1 -- proxy --> authority 1, or 0 after a switch
"""

import asyncio
import os
import shutil
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from math import inf
from pathlib import Path

from tests.authority import AuthorityProcess
from tests.clocks import WallClock
from tests.conftest import TenantKeys
from tests.edge.edge_process import EdgeProcess
from tests.limited_disk import LimitedDisk, mounted

from .cutting_proxy import CuttingProxy
from .postgres_process import PostgresProcess, children, url
from .template import Template
from .timeline import Interval

__all__ = ["Cluster", "Part", "noted", "running_cluster"]

_START_ATTEMPTS = 20
_DATABASE_BYTES = 192 << 20
_EDGE_BYTES = 16 << 20


@dataclass
class Part:
    """An authority or an edge.

    Attributes:
        clock: Its wall clock.
        disk: What its data is stored on; None if it is not limited.
        disturbed: The times at which a fault affected it.
        full: The times at which its disk was full.
        lock: Held by the fault that affects it, so that faults of one part do not overlap.
    """

    process: AuthorityProcess | EdgeProcess
    clock: WallClock
    disk: LimitedDisk | None = None
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    disturbed: list[Interval] = field(default_factory=list)
    full: list[Interval] = field(default_factory=list)

    def was_disturbed(self, when: Interval) -> bool:
        """Return whether a fault affected it at some time of an interval."""
        return any(when.touches(each) for each in self.disturbed)

    def had_full_disk(self, when: Interval) -> bool:
        """Return whether its disk was full at some time of an interval."""
        return any(when.touches(each) for each in self.full)

    @property
    def is_running(self) -> bool:
        """Whether the main process runs."""
        try:
            return self.process.process.poll() is None
        except AssertionError:  # it was never started
            return False

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the main process and its children."""
        pid = self.process.process.pid
        for each in (pid, *children(pid)):
            with suppress(ProcessLookupError):
                os.kill(each, number)

    async def start(self) -> None:
        """Start it, again and again while what it needs is missing."""
        for remaining in reversed(range(_START_ATTEMPTS)):
            try:
                await asyncio.to_thread(self.process.start)
            except AssertionError:
                if not remaining:
                    raise
                await asyncio.sleep(0.2)
            else:
                return

    async def ensure_running(self) -> None:
        """Start it if it has ended, as a supervisor such as systemd would."""
        if not self.is_running:
            await self.start()


@dataclass
class Cluster:
    """The processes, the proxies between them, and the keys of the only tenant.

    Attributes:
        disk: What the database is stored on; None if this system cannot limit a disk.
    """

    keys: TenantKeys
    postgres: PostgresProcess
    postgres_lock: asyncio.Lock
    disk: LimitedDisk | None
    authorities: list[Part]
    edges: list[Part]
    to_database: list[CuttingProxy]
    to_authority: list[CuttingProxy]
    from_edge: list[CuttingProxy]

    @property
    def proxies(self) -> list[CuttingProxy]:
        """All proxies."""
        return [*self.to_database, *self.to_authority, *self.from_edge]

    def edge(self, number: int) -> EdgeProcess:
        """Return the process of an edge."""
        process = self.edges[number].process
        assert isinstance(process, EdgeProcess)
        return process

    def authority_port(self, number: int) -> int:
        """Return the port of an authority."""
        process = self.authorities[number].process
        assert isinstance(process, AuthorityProcess)
        return int(process.target.rpartition(":")[2])

    def spooled(self) -> int:
        """Return how many events the edges have not shipped yet."""
        return sum(self.edge(number).waiting_events() for number in range(len(self.edges)))

    def stored_links(self) -> int:
        """Return how many links the edge with the fewest has stored."""
        return min(self.edge(number).stored_links() for number in range(len(self.edges)))


@asynccontextmanager
async def running_cluster(template: Template, folder: Path) -> AsyncIterator[Cluster]:
    """Start everything with one tenant; in the end, stop everything with SIGTERM.

    Args:
        template: A database with the tenant.
        folder: A folder for all data and logs.
    """
    async with AsyncExitStack() as stack:

        async def proxy(target: int) -> CuttingProxy:
            made = CuttingProxy(target)
            await made.start()
            stack.push_async_callback(made.close)
            return made

        async def disk_of(name: str, size: int) -> LimitedDisk | None:
            made = await asyncio.to_thread(mounted, folder / name, size)
            if made is not None:
                stack.callback(made.unmount)
            return made

        disk = await disk_of("database", _DATABASE_BYTES)
        postgres = await asyncio.to_thread(PostgresProcess, template.data, folder, disk)
        stack.callback(postgres.stop)
        await postgres.start()
        shutil.copy2(template.keyring, folder / "keyring.json")
        to_database = [await proxy(postgres.port) for _ in range(2)]
        authorities = [_authority(folder, number, each) for number, each in enumerate(to_database)]
        await _start(stack, authorities)
        cluster = Cluster(
            template.keys, postgres, asyncio.Lock(), disk, authorities, [], to_database, [], []
        )
        for number in range(2):
            cluster.to_authority.append(await proxy(cluster.authority_port(number)))
            cluster.from_edge.append(await proxy(cluster.authority_port(number)))
            own = await disk_of(f"edge-{number}-disk", _EDGE_BYTES)
            proxy_of_edge = cluster.from_edge[number]
            cluster.edges.append(_edge(folder, number, proxy_of_edge, template.keys, own))
        await _start(stack, cluster.edges)
        yield cluster


async def _start(stack: AsyncExitStack, parts: list[Part]) -> None:
    for part in parts:
        stack.push_async_callback(_stop, part)
    await asyncio.gather(*(part.start() for part in parts))


def _authority(folder: Path, number: int, proxy: CuttingProxy) -> Part:
    own = folder / f"authority-{number}"
    own.mkdir()
    clock = WallClock(own / "clock")
    process = AuthorityProcess(
        own,
        f"--keyring={folder / 'keyring.json'}",
        environment={"HUSHPOST_DATABASE_URL": url(proxy.port), **clock.environment},
    )
    return Part(process, clock)


@asynccontextmanager
async def noted(times: list[Interval]) -> AsyncIterator[None]:
    """Add the time of the block to a list."""
    loop = asyncio.get_running_loop()
    start, index = loop.time(), len(times)
    times.append(Interval(start, inf))
    try:
        yield
    finally:
        times[index] = Interval(start, loop.time())


def _edge(
    folder: Path, number: int, proxy: CuttingProxy, keys: TenantKeys, disk: LimitedDisk | None
) -> Part:
    own = folder / f"edge-{number}"
    own.mkdir()
    clock = WallClock(own / "clock")
    process = EdgeProcess(
        own,
        f"127.0.0.1:{proxy.port}",
        keys.edge_key,
        "--workers=1",
        "--trusted-proxies=127.0.0.1/32",
        environment=clock.environment,
        disk=disk,
    )
    return Part(process, clock, disk)


async def _stop(part: Part) -> None:
    """Stop a part with SIGTERM, even if a fault was interrupted; it must end cleanly."""
    if not part.is_running:
        return
    part.signal(signal.SIGCONT)
    try:
        code = await asyncio.to_thread(part.process.stop)
    except BaseException:
        part.signal(signal.SIGKILL)
        raise
    assert code == 0, f"exit code {code} after SIGTERM"
