"""Clicks of groups and links are published together, so that differences reveal nothing."""

from hushpost_client import Count
from tests.conftest import Clients
from tests.rpc.two_group_campaign import EAST, QUORUM, WEST, ZERO, send_campaign


async def test_the_clicks_of_a_group_advance_with_those_of_its_links(
    quorum_clients: Clients,
) -> None:
    """A group's clicks advance only with a link's; their difference would reveal few people."""
    campaign = await send_campaign(quorum_clients)
    east = campaign.tokens[EAST]
    await campaign.record(*east[: QUORUM - 1], link=1)
    await campaign.record(*east[QUORUM - 1 : 2 * QUORUM - 2], link=2)
    stats = await campaign.stats()
    assert stats.clicks.human.anonymous == ZERO
    assert [link.clicks.human.anonymous for link in stats.links] == [ZERO, ZERO]
    await campaign.record(east[2 * QUORUM - 2], link=1)
    stats = await campaign.stats()
    assert stats.groups[0].clicks.human.anonymous == Count(QUORUM, QUORUM)
    assert [link.clicks.human.anonymous for link in stats.links] == [Count(QUORUM, QUORUM), ZERO]
    await campaign.record(east[2 * QUORUM - 1], link=2)
    stats = await campaign.stats()
    assert stats.groups[0].clicks.human.anonymous == Count(2 * QUORUM, 2 * QUORUM)
    assert [link.clicks.human.anonymous for link in stats.links] == [Count(QUORUM, QUORUM)] * 2


async def test_a_link_is_the_sum_of_what_its_groups_publish(quorum_clients: Clients) -> None:
    """The clicks of two groups below the quorum do not add up to a published link number."""
    campaign = await send_campaign(quorum_clients)
    east, west = campaign.tokens[EAST], campaign.tokens[WEST]
    await campaign.record(*east[: QUORUM - 1], *west[: QUORUM - 1], link=1)
    assert (await campaign.stats()).links[0].clicks.human.anonymous == ZERO
    await campaign.record(east[QUORUM - 1], link=1)
    stats = await campaign.stats()
    assert [group.clicks.human.anonymous.unique for group in stats.groups] == [QUORUM, 0]
    assert stats.links[0].clicks.human.anonymous == Count(QUORUM, QUORUM)
    await campaign.record(west[QUORUM - 1], link=1)
    stats = await campaign.stats()
    assert [group.clicks.human.anonymous.unique for group in stats.groups] == [QUORUM, QUORUM]
    assert stats.links[0].clicks.human.anonymous == Count(2 * QUORUM, 2 * QUORUM)


async def test_a_person_who_clicks_two_links_counts_once_for_the_group(
    quorum_clients: Clients,
) -> None:
    """The distinct people of a group's clicks are not the sum of those of its links."""
    campaign = await send_campaign(quorum_clients)
    tokens = campaign.tokens[EAST]
    await campaign.record(*tokens[:QUORUM], link=1)
    await campaign.record(*tokens[:QUORUM], link=2)
    stats = await campaign.stats()
    assert stats.groups[0].clicks.human.anonymous == Count(2 * QUORUM, QUORUM)
    assert [link.clicks.human.anonymous.unique for link in stats.links] == [QUORUM, QUORUM]
