"""A campaign to groups of anonymous people, and a reader who asks for its numbers."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from hushpost_client import CampaignStats, Event, Verdict
from tests.conftest import Clients
from tests.mailing import URLS

__all__ = ["Mailshot", "mail_to"]


@dataclass(frozen=True)
class Mailshot:
    """A campaign, and the tokens of its messages by group."""

    clients: Clients
    campaign_id: str
    tokens: Mapping[str, Sequence[str]]

    async def open(self, tokens: Iterable[str]) -> None:
        """Record an open of each message, in one call."""
        events = [Event(token, verdict=Verdict.HUMAN) for token in tokens]
        if events:
            recorded = await self.clients.edge.tracking.record_events(events)
            assert not recorded.rejected

    async def stats(self) -> CampaignStats:
        """Ask for the numbers."""
        return await self.clients.reporter.stats.get_campaign_stats(self.campaign_id)

    async def opens(self) -> dict[str, int]:
        """Ask for the published opens by group: people, or events where nobody tells people."""
        return {
            group.group_id: group.opens.human.anonymous.unique or group.opens.human.aggregate.total
            for group in (await self.stats()).groups
        }


async def mail_to(clients: Clients, groups: Sequence[str], people: int) -> Mailshot:
    """Send a new campaign to groups of so many people each."""
    campaigns = clients.sender.campaigns
    campaign_id = (await campaigns.create_campaign(links=URLS, groups=groups)).campaign_id
    tokens = {}
    for group in groups:
        names = [f"{campaign_id}-{group}-{number}" for number in range(people)]
        issued = await campaigns.issue_tokens(campaign_id, group, names)
        tokens[group] = [token.token for token in issued.tokens if token.token]
    return Mailshot(clients, campaign_id, tokens)
