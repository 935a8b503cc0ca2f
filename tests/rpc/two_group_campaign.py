"""A campaign with two groups whose contacts are ANONYMOUS, for tests of the quorum."""

from hushpost_client import CampaignStats, Count, Event, Verdict
from tests.conftest import Clients
from tests.mailing import URLS

QUORUM = 5
EAST, WEST = "east", "west"
ZERO = Count(0, 0)


class TwoGroupCampaign:
    """The campaign "spring", and its tokens by group."""

    def __init__(self, clients: Clients, tokens: dict[str, list[str]]) -> None:
        self.clients = clients
        self.tokens = tokens

    async def record(self, *tokens: str, link: int = 0, verdict: Verdict = Verdict.HUMAN) -> None:
        """Record an open (link 0) or a click by each of the tokens."""
        await self.clients.edge.tracking.record_events(
            [Event(token, link_number=link or None, verdict=verdict) for token in tokens]
        )

    async def stats(self) -> CampaignStats:
        """Return the statistics of the campaign."""
        return await self.clients.reporter.stats.get_campaign_stats("spring")

    async def published_opens(self) -> Count:
        """Return the published anonymous opens of the group "east"."""
        return (await self.stats()).groups[0].opens.human.anonymous


async def send_campaign(clients: Clients) -> TwoGroupCampaign:
    """Create the campaign and issue tokens to 20 contacts of each group: "east-0", …, "west-19"."""
    campaigns = clients.sender.campaigns
    await campaigns.create_campaign("spring", links=URLS, groups=[EAST, WEST])
    tokens = {}
    for group in (EAST, WEST):
        contacts = [f"{group}-{number}" for number in range(4 * QUORUM)]
        issued = await campaigns.issue_tokens("spring", group, contacts)
        tokens[group] = [token.token for token in issued.tokens if token.token]
    return TwoGroupCampaign(clients, tokens)
