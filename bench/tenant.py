"""Creates a tenant with API keys, and checks what the authority counted for it."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import grpc

from bench.authority import Authority
from bench.scenario import LINKS, MailingShape
from hushpost_client import (
    CampaignStats,
    DoNotTrack,
    Hushpost,
    Mode,
    NewGroup,
    PolicyUpdate,
    PreferenceEntry,
    Release,
    Role,
    SignalStats,
)

__all__ = ["Metadata", "Tenant", "check_recorded", "create_tenant", "total"]

_BATCH = 10_000
_POLL_SECONDS = 0.1
Metadata = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Tenant:
    """A tenant of the authority.

    Attributes:
        sender: Client for work that is not measured.
        reporter: Client that reads statistics.
        channel: For stubs that send measured calls, together with one of the metadata.
        edge_key: API key of an edge.
        edge_metadata: Authenticates calls as an edge.
        sender_metadata: Authenticates calls as a sender.
        reporter_metadata: Authenticates calls as a reporter.
    """

    sender: Hushpost
    reporter: Hushpost
    channel: grpc.aio.Channel
    edge_key: str
    edge_metadata: Metadata
    sender_metadata: Metadata
    reporter_metadata: Metadata

    @property
    def edge_authorization(self) -> str:
        """The header `authorization` of calls as an edge."""
        return _authorization(self.edge_key)

    async def opt_out(self, contact_ids: Sequence[str]) -> None:
        """Set `do_not_track` to TRUE for contacts."""
        for start in range(0, len(contact_ids), _BATCH):
            await self.sender.preferences.batch_set_preferences(
                PreferenceEntry(contact_id, DoNotTrack.TRUE)
                for contact_id in contact_ids[start : start + _BATCH]
            )

    async def create_campaign(self, campaign_id: str, shape: MailingShape) -> dict[str, list[str]]:
        """Create a campaign; return the contacts by group."""
        groups = shape.contact_ids()
        await self.sender.campaigns.create_campaign(
            campaign_id,
            links=LINKS,
            groups=[NewGroup(group_id, expected_messages=shape.messages) for group_id in groups],
        )
        return groups

    async def send_campaign(self, campaign_id: str, shape: MailingShape) -> list[str]:
        """Create a campaign and issue its tokens; return the token of each message."""
        groups = await self.create_campaign(campaign_id, shape)
        tokens = []
        for group_id, contact_ids in groups.items():
            for start in range(0, len(contact_ids), _BATCH):
                part = contact_ids[start : start + _BATCH]
                issued = await self.sender.campaigns.issue_tokens(campaign_id, group_id, part)
                tokens += [token.token for token in issued.tokens if token.token]
        return tokens

    async def count_clicks(self, campaign_id: str) -> int:
        """Return the number of clicks in the campaign's statistics."""
        return total((await self.reporter.stats.get_campaign_stats(campaign_id)).clicks)

    async def count_events(self, campaign_id: str) -> int:
        """Return the number of opens and clicks in the campaign's statistics."""
        stats = await self.reporter.stats.get_campaign_stats(campaign_id)
        return total(stats.opens) + total(stats.clicks)

    async def wait_until_counted(self, campaign_id: str, clicks: int, timeout: float) -> None:
        """Wait until exactly this many clicks are counted. Raises TimeoutError."""
        async with asyncio.timeout(timeout):
            while await self.count_clicks(campaign_id) < clicks:  # noqa: ASYNC110 - another process counts
                await asyncio.sleep(_POLL_SECONDS)
        check_recorded(await self.reporter.stats.get_campaign_stats(campaign_id), 0, clicks)


@asynccontextmanager
async def create_tenant(
    authority: Authority, tenant_id: str, mode_when_unset: Mode = Mode.IDENTIFIED
) -> AsyncIterator[Tenant]:
    """Create a tenant whose statistics are exact, so that they can be checked."""
    policy = PolicyUpdate(mode_when_unset=mode_when_unset, release=Release.EXACT)
    async with AsyncExitStack() as stack:

        async def connect(api_key: str) -> Hushpost:
            client = Hushpost.connect(authority.target, api_key=api_key, tls=False, timeout=60)
            return await stack.enter_async_context(client)

        installation = await connect(authority.admin_key)
        await installation.admin.create_tenant(tenant_id, policy=policy)
        secrets = {}
        for role in (Role.SENDER, Role.REPORTER, Role.EDGE):
            owner = "" if role is Role.EDGE else tenant_id
            new = await installation.admin.create_api_key(role, tenant_id=owner)
            assert new.secret is not None
            secrets[role] = new.secret
        channel = grpc.aio.insecure_channel(
            authority.target, options=[("grpc.max_receive_message_length", -1)]
        )
        yield Tenant(
            await connect(secrets[Role.SENDER]),
            await connect(secrets[Role.REPORTER]),
            await stack.enter_async_context(channel),
            secrets[Role.EDGE],
            *(_metadata(secrets[role]) for role in (Role.EDGE, Role.SENDER, Role.REPORTER)),
        )


def check_recorded(stats: CampaignStats, opens: int, clicks: int) -> None:
    """Assert that every event sent was counted exactly once; otherwise no figure is valid."""
    counted = total(stats.opens), total(stats.clicks)
    assert counted == (opens, clicks), (
        f"{stats.campaign_id}: sent (opens, clicks) {(opens, clicks)}, counted {counted}"
    )


def total(stats: SignalStats) -> int:
    """Return how many events were counted, in all modes."""
    return sum(
        number.total
        for part in (stats.human, stats.machine)
        for number in (part.identified, part.anonymous, part.aggregate)
        if number is not None
    )


def _metadata(secret: str) -> Metadata:
    return (("authorization", _authorization(secret)),)


def _authorization(secret: str) -> str:
    return f"Bearer {secret}"
