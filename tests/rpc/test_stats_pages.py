"""Lists and views for pages: campaigns, groups and links, sorted, filtered and paged."""

import pytest

from hushpost_client import (
    CampaignStats,
    ErrorReason,
    NewLink,
    NotFoundError,
    StatsPage,
    StatsView,
)
from tests.conftest import Clients
from tests.mailing import URLS, send

GROUPS = ("beta", "Alpha", "gamma")
MAX_MESSAGE = 2**20


@pytest.fixture
async def report(exact_clients: Clients) -> CampaignStats:
    """The report of the campaign "spring" with three groups and three links."""
    campaigns = exact_clients.sender.campaigns
    await campaigns.create_campaign(
        "spring",
        links=[NewLink(URLS[0], label="Header"), *URLS[1:], NewLink(URLS[0], label="footer")],
        groups=GROUPS,
    )
    for count, group in enumerate(GROUPS, 1):
        names = [f"{group}-{number}" for number in range(count)]
        issued = await campaigns.issue_tokens("spring", group, names)
        for token in issued.tokens[: 3 - count]:
            assert token.token
            await exact_clients.edge.tracking.record_open(token.token)
            await exact_clients.edge.tracking.record_click(token.token, 3)
    return await exact_clients.reporter.stats.get_campaign_stats("spring")


async def test_views_leave_parts_out(exact_clients: Clients, report: CampaignStats) -> None:
    """A view returns fewer parts with the same numbers."""
    stats = exact_clients.reporter.stats
    summary, hourly, full = [
        await stats.get_campaign_stats("spring", view=view) for view in StatsView
    ]
    assert full == report
    assert (summary.groups, summary.links, summary.hours) == ((), (), ())
    assert (hourly.groups, hourly.links, hourly.hours) == ((), (), report.hours)
    for part in (summary, hourly):
        assert (part.opens, part.clicks, part.rates, part.sent) == (
            report.opens,
            report.clicks,
            report.rates,
            report.sent,
        )


@pytest.mark.parametrize(
    ("order_by", "expected"),
    [
        (None, ["beta", "Alpha", "gamma"]),
        ("sent desc", ["gamma", "Alpha", "beta"]),
        ("sent", ["beta", "Alpha", "gamma"]),
        ("opens desc", ["beta", "Alpha", "gamma"]),
        ("clicks asc", ["gamma", "beta", "Alpha"]),
        ("open_rate desc", ["beta", "Alpha", "gamma"]),
        ("click_through_rate", ["gamma", "Alpha", "beta"]),
        (" group_id  desc ", ["gamma", "beta", "Alpha"]),
        ("group_id", ["Alpha", "beta", "gamma"]),
    ],
)
async def test_groups_are_sorted(
    exact_clients: Clients, report: CampaignStats, order_by: str | None, expected: list[str]
) -> None:
    """Groups come in the order asked for; ties in the order of their creation."""
    stats = exact_clients.reporter.stats
    listed = stats.list_group_stats("spring", order_by=order_by, page_size=1)
    groups = [group async for group in listed]
    assert [group.group_id for group in groups] == expected
    assert {group.group_id: group for group in groups} == {
        group.group_id: group for group in report.groups
    }


async def test_links_are_sorted_and_filtered(exact_clients: Clients, report: CampaignStats) -> None:
    """Links can be sorted by clicks and found by URL or label in any case."""
    stats = exact_clients.reporter.stats
    most_clicked = [link async for link in stats.list_link_stats("spring", order_by="clicks desc")]
    assert most_clicked == [report.links[2], report.links[0], report.links[1]]
    by_label = [link async for link in stats.list_link_stats("spring", filter="FOOTER")]
    assert by_label == [report.links[2]]
    by_url = [link async for link in stats.list_link_stats("spring", filter="/Sale")]
    assert by_url == [report.links[0], report.links[2]]


async def test_pages_have_a_total_and_a_next_token(
    exact_clients: Clients, report: CampaignStats
) -> None:
    """A page is reached by token or by number; the last one has no next token."""
    stats = exact_clients.reporter.stats
    first = await stats.group_stats_page("spring", page_size=2)
    assert (first.items, first.total_size) == (report.groups[:2], 3)
    second = await stats.group_stats_page("spring", page_size=2, page_token=first.next_page_token)
    assert second == await stats.group_stats_page("spring", page_size=2, skip=2)
    assert second == StatsPage(items=report.groups[2:], next_page_token=None, total_size=3)
    found = await stats.group_stats_page("spring", filter="ALPHA")
    assert (found.items, found.total_size) == (report.groups[1:2], 1)
    links = await stats.link_stats_page("spring", page_size=1, skip=1)
    assert (links.items, links.total_size) == (report.links[1:2], 3)
    beyond = await stats.link_stats_page("spring", skip=2**31 - 1)
    assert beyond == StatsPage(items=(), next_page_token=None, total_size=3)


async def test_campaigns_are_sorted_and_filtered(exact_clients: Clients) -> None:
    """Campaigns are sorted by time or name, without case, and found by id or name."""
    sender = exact_clients.sender.campaigns
    for campaign_id, name in (("b", "zeta"), ("C", None), ("d%_", "Älpler"), ("e", "ALPHA")):
        await sender.create_campaign(campaign_id, display_name=name)
    expected = {
        None: ["e", "d%_", "C", "b"],
        "create_time": ["b", "C", "d%_", "e"],
        "create_time desc": ["e", "d%_", "C", "b"],
        "display_name": ["e", "C", "b", "d%_"],
        "display_name desc": ["d%_", "b", "C", "e"],
    }
    reader = exact_clients.reporter.campaigns
    for order_by, ids in expected.items():
        listed = reader.list_campaigns(order_by=order_by, page_size=1)
        assert [campaign.campaign_id async for campaign in listed] == ids
        page = await reader.campaigns_page(order_by=order_by, page_size=2, skip=1)
        assert ([campaign.campaign_id for campaign in page.items], page.total_size) == (ids[1:3], 4)
    for text, ids in {"alp": ["e"], "äLP": ["d%_"], "%": ["d%_"], "c": ["C"], "zz": []}.items():
        page = await reader.campaigns_page(filter=text)
        assert ([c.campaign_id for c in page.items], page.total_size) == (ids, len(ids))


async def test_a_campaign_keeps_the_html_of_its_message(exact_clients: Clients) -> None:
    """The HTML is returned unchanged, up to 1 MiB; a campaign without it has none."""
    campaigns = exact_clients.sender.campaigns
    html = "<p>Grüße\r\n" + "x" * (MAX_MESSAGE - 12)
    assert len(html.encode()) == MAX_MESSAGE
    await campaigns.create_campaign("with", message_html=html)
    assert await exact_clients.reporter.campaigns.get_campaign_message("with") == html
    await send(exact_clients, ["ann"])
    with pytest.raises(NotFoundError) as caught:
        await campaigns.get_campaign_message("spring")
    assert caught.value.reason is ErrorReason.CAMPAIGN_MESSAGE_NOT_FOUND
