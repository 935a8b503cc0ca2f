"""WatchLinks streams the links of all campaigns to edges."""

from contextlib import aclosing

from tests.conftest import Clients
from tests.mailing import URLS


async def test_links_are_streamed_once_and_resumed_from_a_cursor(clients: Clients) -> None:
    """A stream has all links once, then new ones; a later stream resumes after its cursor."""
    campaigns, tracking = clients.sender.campaigns, clients.edge.tracking
    first = await campaigns.create_campaign("first", links=URLS)
    snapshot: list[tuple[int, int]] = []
    async with aclosing(tracking.watch_links()) as updates:
        async for update in updates:
            snapshot += [(link.campaign_number, link.link_number) for link in update.links]
            if update.snapshot_complete:
                break
        assert len(snapshot) == len(set(snapshot))
        assert {(first.campaign_number, 1), (first.campaign_number, 2)} <= set(snapshot)
        await campaigns.extend_campaign("first", links=URLS[:1])
        live = await anext(updates)
        assert [(link.campaign_number, link.link_number) for link in live.links] == [
            (first.campaign_number, 3)
        ]
    second = await campaigns.create_campaign("second", links=URLS)
    async with aclosing(tracking.watch_links(live.cursor)) as updates:
        resumed = await anext(updates)
    assert [(link.campaign_number, link.url) for link in resumed.links] == [
        (second.campaign_number, url) for url in URLS
    ]
    async with aclosing(tracking.watch_links(resumed.cursor)) as updates:
        up_to_date = await anext(updates)
    assert (up_to_date.links, up_to_date.snapshot_complete) == ((), True)
