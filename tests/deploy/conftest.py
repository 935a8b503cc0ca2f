"""Fixtures: an installation whose metrics are scraped."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from hushpost_client import Mode, PolicyUpdate
from tests.authority import AuthorityProcess
from tests.conftest import Clients, RunningAuthority, TenantKeys, make_tenant
from tests.deploy.monitor import AUTHORITY, EDGE, Monitor
from tests.edge.edge_process import EdgeProcess
from tests.free_port import free_port
from tests.mailing import Mailing, clients_of, send

CALLS, CONNECTIONS = 12, 6
"""So few calls wait for a connection, and so many connections do not run out by chance."""


@dataclass(frozen=True)
class Installation:
    """An authority with low limits, and a mailing to one contact more than calls are allowed.

    Attributes:
        metrics: The address of the authority's metrics.
    """

    authority: RunningAuthority
    metrics: str
    keys: TenantKeys
    mailing: Mailing

    @property
    def clients(self) -> Clients:
        """One client per role."""
        return self.mailing.clients

    @property
    def data_dir(self) -> Path:
        """The folder of the database."""
        return self.authority.process.data_dir

    def monitor(self, edge: EdgeProcess | None = None) -> Monitor:
        """Return a monitor of the authority, and of an edge."""
        edges = {EDGE: f"127.0.0.1:{edge.port}"} if edge else {}
        return Monitor({AUTHORITY: self.metrics, **edges})


@pytest.fixture(scope="module")
async def installation(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Installation]:
    """An authority that only one module uses, and that reads what waits five times a second."""
    address = f"127.0.0.1:{free_port()}"
    options = (
        f"--metrics-listen={address}",
        "--metrics-seconds=0.2",
        f"--max-calls={CALLS}",
        f"--connections={CONNECTIONS}",
    )
    async with AsyncExitStack() as stack:
        process = stack.enter_context(
            AuthorityProcess(tmp_path_factory.mktemp("authority"), *options)
        )
        authority = RunningAuthority.of(process)
        keys = await make_tenant(authority, PolicyUpdate(mode_when_unset=Mode.ANONYMOUS))
        clients = await clients_of(stack, authority, keys=keys)
        mailing = await send(clients, [f"reader-{number}" for number in range(CALLS + 1)])
        yield Installation(authority, address, keys, mailing)
