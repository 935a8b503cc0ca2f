"""Sends a small campaign, the starting point of most tests."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass

from hushpost_client import CampaignStats, Count, Estimate, Hushpost, PolicyUpdate, Release, Verdict
from tests.conftest import Clients, RunningAuthority, TenantKeys, make_tenant

URLS = ("https://shop.example.com/sale", "https://shop.example.com/imprint")
GROUP = "readers"


@dataclass(frozen=True)
class Mailing:
    """A campaign and the tokens of its messages by contact: of pixels, and of links."""

    clients: Clients
    campaign_id: str
    tokens: dict[str, str]
    click_tokens: dict[str, str]

    async def open(self, *contacts: str, verdict: Verdict = Verdict.HUMAN) -> None:
        """Record an open of each contact."""
        for contact in contacts:
            await self.clients.edge.tracking.record_open(self.tokens[contact], verdict=verdict)

    async def click(self, *contacts: str, link: int = 1) -> None:
        """Record a click of each contact."""
        for contact in contacts:
            await self.clients.edge.tracking.record_click(
                self.click_tokens[contact], link, verdict=Verdict.HUMAN
            )

    async def stats(self) -> CampaignStats:
        """Return the statistics of the campaign."""
        return await self.clients.reporter.stats.get_campaign_stats(self.campaign_id)

    async def engaged(self) -> set[str]:
        """Return the identified contacts that opened or clicked."""
        listed = self.clients.reporter.stats.list_engaged_contacts(self.campaign_id)
        return {contact.contact_id async for contact in listed}


async def send(
    clients: Clients, contacts: Sequence[str], campaign_id: str = "spring", group: str = GROUP
) -> Mailing:
    """Create a campaign with two links and issue a token to each contact."""
    created = await clients.sender.campaigns.create_campaign(
        campaign_id, links=URLS, groups=[group]
    )
    issued = await clients.sender.campaigns.issue_tokens(created.campaign_id, group, contacts)
    tokens = {token.contact_id: token.token for token in issued.tokens if token.token}
    click_tokens = {
        token.contact_id: token.click_token for token in issued.tokens if token.click_token
    }
    return Mailing(clients, created.campaign_id, tokens, click_tokens)


def exact_count(estimate: Estimate | None) -> Count:
    """Return an anonymous count of a campaign that releases exact counts."""
    assert estimate is not None
    assert not estimate.margin
    return Count(estimate.total, estimate.unique)


async def clients_of(
    stack: AsyncExitStack,
    authority: RunningAuthority,
    policy: PolicyUpdate | None = None,
    keys: TenantKeys | None = None,
) -> Clients:
    """Create a tenant with one client per role; its counts are exact unless a policy is given."""
    keys = keys or await make_tenant(authority, policy or PolicyUpdate(release=Release.EXACT))

    async def client(key: str) -> Hushpost:
        return await stack.enter_async_context(authority.client(key))

    return Clients(
        keys.tenant_id,
        await client(authority.admin_key),
        await client(keys.sender_key),
        await client(keys.reporter_key),
        await client(keys.edge_key),
        await client(keys.admin_key),
    )


async def eventually(
    holds: Callable[[], Awaitable[bool]], what: str, seconds: float = 30, pause: float = 0.05
) -> None:
    """Wait until a condition holds; fail after a generous timeout."""
    deadline = asyncio.get_running_loop().time() + seconds
    while not await holds():
        assert asyncio.get_running_loop().time() < deadline, f"never happened: {what}"
        await asyncio.sleep(pause)
