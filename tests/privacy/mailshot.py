"""A campaign sent to groups of anonymous recipients, with access to its statistics."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from hushpost_client import CampaignStats, Event, Verdict
from tests.conftest import Clients
from tests.mailing import URLS

__all__ = ["Mailshot", "mail_to"]


@dataclass(frozen=True)
class Mailshot:
    """A sent campaign and the tokens of its messages by group."""

    clients: Clients
    campaign_id: str
    tokens: Mapping[str, Sequence[str]]

    async def open(self, tokens: Iterable[str]) -> None:
        """Record an open for each token in a single batch."""
        events = [Event(token, verdict=Verdict.HUMAN) for token in tokens]
        if events:
            recorded = await self.clients.edge.tracking.record_events(events)
            assert not recorded.rejected

    async def stats(self) -> CampaignStats:
        """Return the published statistics."""
        return await self.clients.reporter.stats.get_campaign_stats(self.campaign_id)

    async def opens(self) -> dict[str, int]:
        """Return the published opens by group: people, or events in aggregate mode."""
        return {
            group.group_id: group.opens.human.anonymous.unique or group.opens.human.aggregate.total
            for group in (await self.stats()).groups
        }


async def mail_to(clients: Clients, groups: Sequence[str], people: int) -> Mailshot:
    """Send a new campaign to groups of `people` recipients each."""
    campaigns = clients.sender.campaigns
    campaign_id = (await campaigns.create_campaign(links=URLS, groups=groups)).campaign_id
    tokens = {}
    for group in groups:
        names = [f"{campaign_id}-{group}-{number}" for number in range(people)]
        issued = await campaigns.issue_tokens(campaign_id, group, names)
        tokens[group] = [token.token for token in issued.tokens if token.token]
    return Mailshot(clients, campaign_id, tokens)
