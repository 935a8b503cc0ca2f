"""Fixtures: an edge connected to the shared authority, and campaigns."""

import uuid
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from hushpost_client import Hushpost, PolicyUpdate, Release, Role
from hushpost_edge.behaviour_memory import burst_detector, create_behaviour_memory
from hushpost_edge.burst_detection import BurstDetector
from hushpost_edge.shared_memory import SharedMemory
from tests.authority import AuthorityProcess
from tests.conftest import RunningAuthority

from .behaviour import Clock
from .edge_process import EdgeProcess

URLS = tuple(f"https://example.com/landing/{number}?from=mail" for number in range(1, 9))


@dataclass(frozen=True)
class Mailing:
    """A campaign with a token for each contact."""

    campaign_id: str
    tokens: dict[str, str]


@dataclass(frozen=True)
class Counts:
    """The identified counts of a campaign: events, and distinct contacts (`unique`)."""

    opens: int = 0
    clicks: int = 0
    machine_opens: int = 0
    machine_clicks: int = 0
    unique_clicks: int = 0


def forwarded_for(address: str) -> str:
    """Return the header with which a reverse proxy passes the client's address on."""
    return f"X-Forwarded-For: {address}"


async def send(sender: Hushpost, contacts: Sequence[str], urls: Sequence[str] = URLS) -> Mailing:
    """Create a campaign and issue its tokens."""
    campaign_id = f"c-{uuid.uuid4().hex[:12]}"
    await sender.campaigns.create_campaign(campaign_id, links=urls, groups=["all"])
    tokens: dict[str, str] = {}
    for start in range(0, len(contacts), 5_000):
        batch = contacts[start : start + 5_000]
        issued = await sender.campaigns.issue_tokens(campaign_id, "all", batch)
        tokens |= {item.contact_id: item.token for item in issued.tokens if item.token}
    return Mailing(campaign_id, tokens)


async def counts(reporter: Hushpost, mailing: Mailing) -> Counts:
    """Read the counts of a campaign."""
    stats = await reporter.stats.get_campaign_stats(mailing.campaign_id)
    return Counts(
        opens=stats.opens.human.identified.total,
        clicks=stats.clicks.human.identified.total,
        machine_opens=stats.opens.machine.identified.total,
        machine_clicks=stats.clicks.machine.identified.total,
        unique_clicks=stats.clicks.human.identified.unique,
    )


@pytest.fixture(scope="session")
async def edge_key(authority: RunningAuthority) -> str:
    """An API key of role EDGE for the shared authority."""
    async with authority.client(authority.admin_key) as client:
        created = await client.admin.create_api_key(Role.EDGE)
    assert created.secret is not None
    return created.secret


@pytest.fixture(scope="session")
async def edge(
    authority: RunningAuthority, edge_key: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[EdgeProcess]:
    """The edge that most tests share; it trusts X-Forwarded-For headers from the tests."""
    with EdgeProcess(
        tmp_path_factory.mktemp("edge"),
        authority.target,
        edge_key,
        "--trusted-proxies=127.0.0.1/32",
        "--workers=2",
    ) as process:
        yield process


@dataclass(frozen=True)
class OwnAuthority:
    """API keys of an authority that only one test uses, and may stop or kill."""

    sender_key: str
    reporter_key: str
    edge_key: str


async def set_up(target: str, admin_key: str) -> OwnAuthority:
    """Create a tenant and its API keys."""
    async with Hushpost.connect(target, api_key=admin_key, tls=False) as client:
        await client.admin.create_tenant("acme", policy=PolicyUpdate(release=Release.EXACT))
        keys = []
        for role in (Role.SENDER, Role.REPORTER, Role.EDGE):
            tenant_id = "" if role is Role.EDGE else "acme"
            created = await client.admin.create_api_key(role, tenant_id=tenant_id)
            assert created.secret is not None
            keys.append(created.secret)
    return OwnAuthority(*keys)


@pytest.fixture
def memory() -> Iterator[SharedMemory]:
    """The memory that the workers of an edge share."""
    with closing(create_behaviour_memory(workers=2)) as memory:
        yield memory


@pytest.fixture
def clock() -> Clock:
    """A clock that the workers share."""
    return Clock()


@pytest.fixture
def bursts(memory: SharedMemory, clock: Clock) -> BurstDetector:
    """The detector of a worker."""
    return burst_detector(memory, 1, clock)


@pytest.fixture
def others(memory: SharedMemory, clock: Clock) -> BurstDetector:
    """The detector of another worker."""
    return burst_detector(memory, 2, clock)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of an edge that only one test uses."""
    return tmp_path / "edge"


@pytest.fixture
async def process(tmp_path: Path) -> AsyncIterator[AuthorityProcess]:
    """An authority that only this test uses."""
    with AuthorityProcess(tmp_path / "authority") as process:
        yield process


@pytest.fixture
async def own(process: AuthorityProcess) -> OwnAuthority:
    """The API keys of that authority."""
    return await set_up(process.target, process.admin_key())
