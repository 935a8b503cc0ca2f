"""Puts load on an authority with one event per message, so that lost and double events show."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import grpc

from hushpost_client import (
    CampaignStats,
    Count,
    DoNotTrack,
    Event,
    Hushpost,
    HushpostError,
    PreferenceEntry,
    RetryPolicy,
    UnavailableError,
    Verdict,
)
from hushpost_client._async.calls import Calls
from tests.authority import AuthorityProcess
from tests.conftest import Clients, RunningAuthority
from tests.mailing import GROUP, URLS, eventually, exact_count

PATIENT = RetryPolicy(max_tries=1000, max_backoff=0.1)
IMPATIENT = RetryPolicy(max_tries=1)
# By default, gRPC's reconnect backoff grows to minutes.
_OPTIONS = [
    ("grpc.initial_reconnect_backoff_ms", 20),
    ("grpc.min_reconnect_backoff_ms", 1000),
    ("grpc.max_reconnect_backoff_ms", 100),
]
CALLERS = 16
BATCH = 10


@dataclass(frozen=True)
class PatientAuthority(RunningAuthority):
    """An authority whose clients retry until it is back."""

    retry: RetryPolicy = PATIENT

    def client(self, api_key: str) -> Hushpost:
        """Return a client with an API key."""
        calls = Calls(api_key=api_key, timeout=90, retry=self.retry)
        return Hushpost(grpc.aio.insecure_channel(self.target, _OPTIONS), calls)


@dataclass
class Load:
    """Opens of a campaign, one per contact, half of them anonymous."""

    clients: Clients
    campaign_id: str
    tokens: dict[str, str]
    sent: set[str] = field(default_factory=set)
    acknowledged: set[str] = field(default_factory=set)
    refused: list[HushpostError] = field(default_factory=list)

    async def record(self, names: Sequence[str], *, single: bool) -> None:
        """Record opens, in single calls or as a batch, and keep the results."""
        tracking = self.clients.edge.tracking
        events = [Event(self.tokens[name], verdict=Verdict.HUMAN) for name in names]
        self.sent.update(names)
        try:
            if single:
                for event in events:
                    await tracking.record_open(event.token, verdict=event.verdict)
            else:
                assert (await tracking.record_events(events)).accepted_count == len(events)
        except HushpostError as error:
            self.refused.append(error)
        else:
            self.acknowledged.update(names)

    async def record_all(self) -> None:
        """Record all opens, a third in single calls and the rest in batches."""
        names = list(self.tokens)
        singles = [[name] for name in names[::3]]
        rest = [name for name in names if [name] not in singles]
        batches = [rest[start : start + BATCH] for start in range(0, len(rest), BATCH)]
        # From both ends, so that both kinds of calls are always in progress.
        waiting = singles + batches

        async def caller(*, first: bool) -> None:
            while waiting:
                part = waiting.pop(0 if first else -1)
                await self.record(part, single=len(part) == 1)

        await asyncio.gather(*(caller(first=number % 2 == 0) for number in range(CALLERS)))

    async def has_acknowledged(self, count: int) -> None:
        """Wait until that many events are acknowledged."""

        async def are_enough() -> bool:
            return len(self.acknowledged) >= count

        await eventually(are_enough, f"{count} events are acknowledged", pause=0.001)

    async def stats(self) -> CampaignStats:
        """Return the statistics of the campaign."""
        return await self.clients.reporter.stats.get_campaign_stats(self.campaign_id)

    async def assert_counted_once(self) -> None:
        """Assert that each event was accepted, and is counted once; the counts must be exact."""
        assert self.refused == []
        half = len(self.tokens) // 2
        opens = (await self.stats()).opens.human
        assert opens.identified == Count(half, half)
        assert exact_count(opens.anonymous) == Count(half, half)


async def prepared(clients: Clients, campaign_id: str, people: int) -> Load:
    """Create a campaign to that many contacts."""
    names = [
        f"{kind}-{campaign_id}-{number}"
        for number in range(people // 2)
        for kind in ("known", "hidden")
    ]
    await clients.sender.preferences.batch_set_preferences(
        [
            PreferenceEntry(name, DoNotTrack.FALSE if name.startswith("known") else DoNotTrack.TRUE)
            for name in names
        ]
    )
    await clients.sender.campaigns.create_campaign(campaign_id, links=URLS, groups=[GROUP])
    issued = await clients.sender.campaigns.issue_tokens(campaign_id, GROUP, names)
    tokens = {token.contact_id: token.token for token in issued.tokens if token.token}
    return Load(clients, campaign_id, tokens)


@asynccontextmanager
async def under_load(load: Load, after: int) -> AsyncIterator[None]:
    """Run the block under load, after that many events are acknowledged."""
    running = asyncio.create_task(load.record_all())
    try:
        await load.has_acknowledged(after)
        assert not running.done(), "the load ended too early: increase it"
        yield
    finally:
        await running


async def check_acknowledged(clients: Clients, load: Load) -> None:
    """Check that all acknowledged events count, and no more than were sent."""
    listed = clients.reporter.stats.list_engaged_contacts(load.campaign_id)
    engaged = {contact.contact_id async for contact in listed}
    known = {name for name in load.acknowledged if name.startswith("known")}
    assert known <= engaged <= load.sent
    stats = await clients.reporter.stats.get_campaign_stats(load.campaign_id)
    opens = stats.opens.human
    for count, kind in ((opens.identified, "known"), (exact_count(opens.anonymous), "hidden")):
        least = sum(name.startswith(kind) for name in load.acknowledged)
        most = sum(name.startswith(kind) for name in load.sent)
        assert least <= count.total == count.unique <= most
    assert opens.identified.total == len(engaged)


async def started(process: AuthorityProcess, clients: Clients) -> None:
    """Restart the authority on its address, and wait until the clients are connected."""
    await asyncio.to_thread(process.start)
    await connected_again(clients)


async def connected_again(clients: Clients) -> None:
    """Wait until the clients reach the authority, and the authority its database."""

    async def is_connected() -> bool:
        try:
            await clients.admin.admin.get_tenant()
        except UnavailableError:
            return False
        return True

    await eventually(is_connected, "the client is connected")
