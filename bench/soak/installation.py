"""Runs what a soak observes: a database, two authorities and two edges, in a temporary folder."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.authority import Authority, read_postmaster_file
from bench.tenant import Tenant, create_tenant
from tests.authority import AuthorityProcess
from tests.edge.edge_process import EdgeProcess

__all__ = ["Installation", "running_installation"]


@dataclass(frozen=True, slots=True)
class Installation:
    """A running installation.

    Attributes:
        tenant: The tenant of all mail, with clients of the first authority.
        targets: The addresses of both authorities.
        edges: One edge per authority.
        pids: The main process of each part, by name.
        dsn: The address of the database.
    """

    tenant: Tenant
    targets: tuple[str, str]
    edges: tuple[EdgeProcess, EdgeProcess]
    pids: dict[str, int]
    dsn: str


@asynccontextmanager
async def running_installation() -> AsyncIterator[Installation]:
    """Start everything; stop it on exit. The first authority starts the database."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="hushpost-soak-")))
        first = stack.enter_context(AuthorityProcess(folder / "authority-1", first_start=True))
        postgres_pid, dsn = read_postmaster_file(first.data_dir)
        second = stack.enter_context(
            AuthorityProcess(
                folder / "authority-2",
                f"--keyring={first.data_dir / 'keyring.json'}",
                environment={"HUSHPOST_DATABASE_URL": dsn},
            )
        )
        authority = Authority(
            first.process.pid,
            first.target,
            first.data_dir,
            first.admin_key(),
            dsn,
            _programs(postgres_pid),
        )
        tenant = await stack.enter_async_context(create_tenant(authority, "soak"))
        edges = [
            EdgeProcess(folder / f"edge-{number}", each.target, tenant.edge_key, "--workers=1")
            for number, each in enumerate((first, second), start=1)
        ]
        for edge in edges:
            stack.callback(edge.__exit__)
        await asyncio.gather(*(asyncio.to_thread(edge.start) for edge in edges))
        pids = {
            "authority 1": first.process.pid,
            "authority 2": second.process.pid,
            "edge 1": edges[0].process.pid,
            "edge 2": edges[1].process.pid,
            "PostgreSQL": postgres_pid,
        }
        targets = (first.target, second.target)
        yield Installation(tenant, targets, (edges[0], edges[1]), pids, dsn)


def _programs(postgres_pid: int) -> Path:
    """Return the folder of the programs of a running PostgreSQL."""
    return Path(f"/proc/{postgres_pid}/exe").resolve().parent
