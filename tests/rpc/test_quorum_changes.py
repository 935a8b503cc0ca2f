"""Changes of the quorum and opt-outs do not reveal numbers that are held back."""

from hushpost_client import CampaignStats, Count, DoNotTrack, PolicyUpdate
from tests.conftest import Clients
from tests.mailing import URLS
from tests.rpc.two_group_campaign import (
    EAST,
    QUORUM,
    WEST,
    ZERO,
    TwoGroupCampaign,
    send_campaign,
)


async def test_a_lower_quorum_applies_to_later_campaigns_only(quorum_clients: Clients) -> None:
    """A campaign keeps the greatest quorum since its creation."""
    campaign = await send_campaign(quorum_clients)
    await campaign.record(*campaign.tokens[EAST][: QUORUM + 2])
    assert (await campaign.published_opens()).unique == QUORUM
    for quorum in (2, 1):
        await quorum_clients.admin.admin.update_policy(PolicyUpdate(quorum=quorum))
        stats = await campaign.stats()
        assert (stats.quorum, stats.groups[0].opens.human.anonymous.unique) == (QUORUM, QUORUM)
    campaigns = quorum_clients.sender.campaigns
    await campaigns.create_campaign("summer", links=URLS, groups=[EAST])
    issued = await campaigns.issue_tokens("summer", EAST, ["contact"])
    token = issued.tokens[0].token
    assert token
    await campaign.record(token)
    stats = await quorum_clients.reporter.stats.get_campaign_stats("summer")
    assert (stats.quorum, stats.opens.human.anonymous) == (1, Count(1, 1))


async def test_a_higher_quorum_applies_immediately(quorum_clients: Clients) -> None:
    """A raised quorum applies to all campaigns; published numbers are not withdrawn."""
    campaign = await send_campaign(quorum_clients)
    tokens = campaign.tokens[EAST]
    await campaign.record(*tokens[:QUORUM])
    assert (await campaign.published_opens()).unique == QUORUM
    await quorum_clients.admin.admin.update_policy(PolicyUpdate(quorum=2 * QUORUM))
    await campaign.record(*tokens[QUORUM : 3 * QUORUM - 1])
    assert (await campaign.stats()).quorum == 2 * QUORUM
    assert (await campaign.published_opens()).unique == QUORUM
    await campaign.record(tokens[3 * QUORUM - 1])
    assert (await campaign.published_opens()).unique == 3 * QUORUM


async def test_held_back_does_not_depend_on_events(quorum_clients: Clients) -> None:
    """`held_back` depends on the quorum and on the messages sent, never on events."""
    await quorum_clients.sender.campaigns.create_campaign("empty", links=URLS, groups=[EAST])

    def flags(stats: CampaignStats) -> set[bool]:
        signals = [stats.opens, stats.clicks]
        signals += [signal for group in stats.groups for signal in (group.opens, group.clicks)]
        signals += [link.clicks for link in stats.links]
        return {part.held_back for signal in signals for part in (signal.human, signal.machine)}

    assert flags(await quorum_clients.reporter.stats.get_campaign_stats("empty")) == {False}
    campaign = await send_campaign(quorum_clients)
    reported = [flags(await campaign.stats())]
    for token in campaign.tokens[EAST][: QUORUM + 1]:
        await campaign.record(token)
        reported.append(flags(await campaign.stats()))
    await campaign.record(*campaign.tokens[EAST], *campaign.tokens[WEST], link=1)
    reported.append(flags(await campaign.stats()))
    assert reported == [{True}] * len(reported)
    await quorum_clients.admin.admin.update_policy(PolicyUpdate(quorum=1))
    assert flags(await campaign.stats()) == {True}


async def test_anonymized_events_are_held_back_below_the_quorum(quorum_clients: Clients) -> None:
    """Events of contacts that opt out leave the identified numbers and wait for the quorum."""
    campaign, contacts = await _send_to_identified(quorum_clients, QUORUM)
    await campaign.record(*campaign.tokens[EAST][:QUORUM])
    preferences = quorum_clients.sender.preferences
    for contact in contacts[:-1]:
        await preferences.set_preference(contact, DoNotTrack.TRUE)
        assert await campaign.published_opens() == ZERO
    assert (await campaign.stats()).opens.human.identified == Count(1, 1)
    await preferences.set_preference(contacts[-1], DoNotTrack.TRUE)
    assert await campaign.published_opens() == Count(QUORUM, QUORUM)
    assert (await campaign.stats()).opens.human.identified == ZERO


async def test_anonymized_events_do_not_fill_the_quorum_of_others(quorum_clients: Clients) -> None:
    """Opted-out people do not count for the quorum of others, since their leaving was visible."""
    campaign, contacts = await _send_to_identified(quorum_clients, QUORUM - 1)
    tokens = campaign.tokens[EAST]
    await campaign.record(*tokens[: QUORUM - 1])
    for contact in contacts:
        await quorum_clients.sender.preferences.set_preference(contact, DoNotTrack.TRUE)
    await campaign.record(*tokens[QUORUM - 1 : 2 * QUORUM - 2])
    assert await campaign.published_opens() == ZERO
    await campaign.record(*tokens[: QUORUM - 1])
    assert await campaign.published_opens() == ZERO
    await campaign.record(tokens[2 * QUORUM - 2])
    assert (await campaign.published_opens()).unique == QUORUM


async def _send_to_identified(
    clients: Clients, identified: int
) -> tuple[TwoGroupCampaign, list[str]]:
    """Send a campaign; return it and the first contacts, who have consented."""
    contacts = [f"{EAST}-{number}" for number in range(identified)]
    for contact in contacts:
        await clients.sender.preferences.set_preference(contact, DoNotTrack.FALSE)
    return await send_campaign(clients), contacts
