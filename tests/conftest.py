"""Fixtures: one authority for the whole run, and one tenant per test."""

import os
import shutil
import signal
import sys
import tempfile
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Self

import pytest
from hypothesis import HealthCheck, settings

from hushpost_client import Hushpost, PolicyUpdate, RetryPolicy, Role

from . import citus_database
from .authority import AuthorityProcess
from .inspection import Connection, connected
from .interruption import interrupt_on_sigterm
from .wire import Wire

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # In the background of a script, shells start programs with SIGINT ignored, and their
    # children inherit that. A handler, unlike the disposition "ignore", ends with exec.
    signal.signal(signal.SIGINT, lambda _number, _frame: None)

interrupt_on_sigterm()

# Tests of benchmarks import `bench`, which is not part of the wheel.
sys.path.append(str(Path(__file__).parents[1]))

# Times depend on what else the machine does.
settings.register_profile(
    "any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("any machine")

# After a restart, a channel may take 1.2 seconds to connect again: its reconnect backoff
# with jitter. The default five tries can all fall into that time.
_OUTLIVES_A_RESTART = RetryPolicy(max_tries=15)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add options that let the authorities of a run use another transport or database."""
    parser.addoption("--transport", choices=("grpcio", "native"), help="what serves gRPC")
    parser.addoption("--citus", metavar="DSN", help="a database on the coordinator of a cluster")


def pytest_configure(config: pytest.Config) -> None:
    """Compile the sources once per run, even if Python writes no bytecode next to them.

    Otherwise each of the several hundred processes that the tests start would compile them.
    """
    if os.environ.pop("PYTHONDONTWRITEBYTECODE", None):
        folder = tempfile.mkdtemp(prefix="hushpost-test-bytecode-")
        config.add_cleanup(partial(shutil.rmtree, folder, ignore_errors=True))
        os.environ["PYTHONPYCACHEPREFIX"] = folder
    if transport := config.getoption("--transport"):
        os.environ["HUSHPOST_TRANSPORT"] = transport
    if citus := config.getoption("--citus"):
        os.environ[citus_database.VARIABLE] = citus


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip tests that need an embedded database if the authorities use a cluster."""
    if citus_database.is_on_citus():
        for item in items:
            if item.get_closest_marker("embedded"):
                item.add_marker(pytest.mark.skip(reason="needs an embedded database"))


@pytest.fixture(scope="session")
def transport(pytestconfig: pytest.Config) -> str:
    """What serves gRPC in this run: "grpcio" or "native"."""
    return str(pytestconfig.getoption("--transport") or "grpcio")


@dataclass(frozen=True)
class RunningAuthority:
    """A running authority, and an ADMIN key for the installation."""

    process: AuthorityProcess
    target: str
    admin_key: str

    @classmethod
    def of(cls, process: AuthorityProcess) -> Self:
        """Return the authority of a running process, with a new key."""
        return cls(process, process.target, process.admin_key())

    def client(self, api_key: str) -> Hushpost:
        """Return a client with an API key."""
        return Hushpost.connect(self.target, api_key=api_key, tls=False, retry=_OUTLIVES_A_RESTART)


@dataclass(frozen=True)
class TenantKeys:
    """A tenant with one API key per role."""

    tenant_id: str
    sender_key: str
    reporter_key: str
    edge_key: str
    admin_key: str


@dataclass(frozen=True)
class Clients:
    """One client per role."""

    tenant_id: str
    installation: Hushpost
    sender: Hushpost
    reporter: Hushpost
    edge: Hushpost
    admin: Hushpost


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningAuthority]:
    """The authority that most tests share."""
    with AuthorityProcess(tmp_path_factory.mktemp("authority")) as process:
        yield RunningAuthority.of(process)


async def make_tenant(
    authority: RunningAuthority, policy: PolicyUpdate | None = None
) -> TenantKeys:
    """Create a tenant with one API key per role."""
    tenant_id = f"t-{uuid.uuid4().hex[:12]}"
    async with authority.client(authority.admin_key) as client:
        await client.admin.create_tenant(tenant_id, policy=policy)
        keys = {}
        for role in (Role.SENDER, Role.REPORTER, Role.ADMIN, Role.EDGE):
            owner = "" if role is Role.EDGE else tenant_id
            made = await client.admin.create_api_key(role, tenant_id=owner)
            assert made.secret is not None
            keys[role] = made.secret
    return TenantKeys(
        tenant_id, keys[Role.SENDER], keys[Role.REPORTER], keys[Role.EDGE], keys[Role.ADMIN]
    )


@pytest.fixture
async def tenant(authority: RunningAuthority) -> TenantKeys:
    """A new tenant."""
    return await make_tenant(authority)


@pytest.fixture
async def clients(authority: RunningAuthority, tenant: TenantKeys) -> AsyncIterator[Clients]:
    """One client per role for a new tenant."""
    async with AsyncExitStack() as stack:
        yield Clients(
            tenant.tenant_id,
            *[
                await stack.enter_async_context(authority.client(key))
                for key in (
                    authority.admin_key,
                    tenant.sender_key,
                    tenant.reporter_key,
                    tenant.edge_key,
                    tenant.admin_key,
                )
            ],
        )


@pytest.fixture(scope="session")
async def wire(authority: RunningAuthority) -> AsyncIterator[Wire]:
    """A channel to the authority."""
    async with Wire(authority.target) as opened:
        yield opened


@pytest.fixture(scope="session")
async def database(authority: RunningAuthority) -> AsyncIterator[Connection]:
    """A direct connection to the authority's database."""
    async with connected(authority.process.data_dir) as connection:
        yield connection
