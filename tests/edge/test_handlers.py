"""Responses to readers, and the events that the edge records."""

import asyncio
import uuid

import pytest

from hushpost_client import DoNotTrack, PolicyUpdate, Release
from tests.conftest import Clients
from tests.mailing import exact_count
from tests.waiting import eventually

from .conftest import URLS, Counts, counts, forwarded_for, send
from .edge_process import EdgeProcess
from .raw_http import Connection, get

GIF_SIZE = 43
ODD_URLS = (
    "https://example.com",
    "http://EXAMPLE.com:8080/A%2fb/%7Ec?q=%20+&&==#frag#ment",
    "https://example.com/?next=https://evil.example/%0d%0aSet-Cookie:x",
    "https://user:pa%3Ass@example.com/",
    "https://[2001:db8::1]:8443/x;y=z?a[]=1&b{}=|^`",
    "https://example.com//double//slash/../dots/./?",
    "https://exämple.com/straße/日本?ключ=значение#😀",
    "https://example.com/'quotes\"<script>\\back",
    "https://example.com/" + "long/" * 1_600,
)
ENCODED_URLS = {
    "https://exämple.com/straße/日本?ключ=значение#😀": "https://xn--exmple-cua.com/stra%C3%9Fe/"
    "%E6%97%A5%E6%9C%AC?%D0%BA%D0%BB%D1%8E%D1%87=%D0%B7%D0%BD%D0%B0%D1%87%D0%B5%D0%BD%D0%B8%D0%B5"
    "#%F0%9F%98%80",
}


async def test_the_pixel_is_a_small_gif(edge: EdgeProcess) -> None:
    """The pixel is a transparent GIF of 43 bytes that must not be cached."""
    response = await get(edge.port, "/o/" + "A" * 56 + ".gif")
    assert response.status == 200
    assert response.headers["content-type"] == b"image/gif"
    assert b"no-store" in response.headers["cache-control"]
    assert len(response.body) == GIF_SIZE
    assert response.body[:6] == b"GIF89a"
    assert response.body[6:10] == b"\1\0\1\0"


@pytest.mark.parametrize(
    "path",
    ["/o/", "/o/x", "/o/x.gif", "/o/a/b/c.gif", "/o/%00.gif", "/o/%ff.gif?x", "/o/..%2f.gif"],
)
async def test_an_invalid_token_still_gets_the_pixel(edge: EdgeProcess, path: str) -> None:
    """The pixel is served for every path, so that no mail shows a broken image."""
    response = await get(edge.port, path)
    assert (response.status, len(response.body)) == (200, GIF_SIZE)


async def test_redirects_are_exact(edge: EdgeProcess, clients: Clients) -> None:
    """The Location header is the registered URL; what is not ASCII is encoded as browsers do."""
    mailing = await send(clients.sender, ["ann"], ODD_URLS)
    for number, url in enumerate(ODD_URLS, 1):
        response = await get(edge.port, f"/c/{mailing.tokens['ann']}/{number}")
        assert response.status == 302
        assert response.headers["location"].decode("ascii") == ENCODED_URLS.get(url, url)
        assert response.headers["referrer-policy"] == b"no-referrer"
        assert b"no-store" in response.headers["cache-control"]
        assert response.body == b""


async def test_each_event_is_counted_once(edge: EdgeProcess, clients: Clients) -> None:
    """Opens and clicks by humans and machines are counted once each; HEAD requests are not."""
    contacts = [f"reader-{number}" for number in range(40)]
    mailing = await send(clients.sender, contacts)

    async def read(number: int, contact: str) -> None:
        token = mailing.tokens[contact]
        address = forwarded_for(f"203.0.{number}.1")
        async with Connection(edge.port) as connection:
            await connection.get(f"/o/{token}.gif", address)
            await connection.get(f"/c/{token}/1", address)
            await connection.get(f"/c/{token}/1", address, "Purpose: prefetch")
            await connection.get(f"/c/{token}/2", address, method="HEAD")
            await connection.get(f"/o/{token}.gif", address, method="HEAD")
            await connection.get(f"/o/{token}.gif", address, agent="Mozilla/5.0")
            await connection.get(f"/c/{token}/1", address, agent="curl/8.5.0")

    await asyncio.gather(*(read(number, contact) for number, contact in enumerate(contacts)))
    expected = Counts(opens=40, clicks=40, machine_opens=40, machine_clicks=80, unique_clicks=40)
    await eventually(lambda: counts(clients.reporter, mailing), expected)


async def test_all_events_of_a_burst_are_scanner_events(
    edge: EdgeProcess, clients: Clients
) -> None:
    """Several links within a second from one network are counted as machine clicks."""
    mailing = await send(clients.sender, ["ann", "ben"])
    async with Connection(edge.port) as connection:
        for link in (1, 2, 3):
            for contact, network in (("ann", 1), ("ben", link)):
                address = forwarded_for(f"198.51.{network}.9")
                token = mailing.tokens[contact]
                assert (await connection.get(f"/c/{token}/{link}", address)).status == 302
    expected = Counts(clicks=3, machine_clicks=3, unique_clicks=1)
    await eventually(lambda: counts(clients.reporter, mailing), expected)


async def test_workers_find_bursts_together(edge: EdgeProcess, clients: Clients) -> None:
    """A scanner is found although its connections are spread over both workers."""
    mailing = await send(clients.sender, [f"reader-{number}" for number in range(40)])
    for token in mailing.tokens.values():
        paths = (f"/c/{token}/2", f"/c/{token}/5")
        await asyncio.gather(*(get(edge.port, path, forwarded_for("192.0.2.9")) for path in paths))

    async def all_clicks() -> int:
        found = await counts(clients.reporter, mailing)
        return found.clicks + found.machine_clicks

    await eventually(all_clicks, 80)
    # A machine that is busy with other things may take a second between two requests.
    assert (await counts(clients.reporter, mailing)).machine_clicks >= 76


async def test_privacy_signals_are_forwarded(edge: EdgeProcess, clients: Clients) -> None:
    """Clicks with `Sec-GPC: 1` or `DNT: 1` are counted as AGGREGATE."""
    await clients.admin.admin.update_policy(PolicyUpdate(release=Release.EXACT))
    mailing = await send(clients.sender, ["ann"])
    path = f"/c/{mailing.tokens['ann']}/1"
    for address, header in enumerate(("Sec-GPC: 1", "DNT: 1", "DNT: 0")):
        await get(edge.port, path, header, forwarded_for(f"203.0.113.{address}"))

    async def identified_and_aggregate() -> tuple[int, int]:
        stats = await clients.reporter.stats.get_campaign_stats(mailing.campaign_id)
        return stats.clicks.human.identified.total, exact_count(stats.clicks.human.aggregate).total

    await eventually(identified_and_aggregate, (1, 2))


async def test_links_work_after_an_opt_out(edge: EdgeProcess, clients: Clients) -> None:
    """Links redirect after an opt-out and after the campaign is closed."""
    mailing = await send(clients.sender, ["ann"])
    await clients.sender.preferences.set_preference("ann", DoNotTrack.TRUE)
    await clients.sender.campaigns.close_campaign(mailing.campaign_id)
    response = await get(edge.port, f"/c/{mailing.tokens['ann']}/2")
    assert (response.status, response.headers["location"]) == (302, URLS[1].encode())


async def test_a_damaged_token_still_redirects(edge: EdgeProcess, clients: Clients) -> None:
    """A link redirects if its token is damaged after the header, but records no event."""
    mailing = await send(clients.sender, ["ann"])
    token = mailing.tokens["ann"]
    forged = token[:-1] + ("A" if token[-1] != "A" else "B")
    for damaged in (token[:30], forged):
        response = await get(edge.port, f"/c/{damaged}/1")
        assert (response.status, response.headers["location"]) == (302, URLS[0].encode())
    await get(edge.port, f"/c/{token}/1")
    await eventually(lambda: counts(clients.reporter, mailing), Counts(clicks=1, unique_clicks=1))


async def test_a_new_link_redirects_immediately(edge: EdgeProcess, clients: Clients) -> None:
    """A link redirects even if link sync has not received it yet."""
    for _ in range(3):
        mailing = await send(clients.sender, ["ann"])
        response = await get(edge.port, f"/c/{mailing.tokens['ann']}/1")
        assert response.status == 302


async def test_status_endpoints(edge: EdgeProcess) -> None:
    """Health, readiness and metrics respond; metrics name no campaign."""
    assert (await get(edge.port, "/healthz")).status == 200
    assert (await get(edge.port, "/readyz")).status == 200
    metrics = (await get(edge.port, "/metrics")).body.decode()
    assert "hushpost_edge_shipped_events_total" in metrics
    assert "campaign" not in metrics.replace("No label names a contact, a tenant, a campaign", "")


async def test_rejected_events_are_counted_by_reason(edge: EdgeProcess, clients: Clients) -> None:
    """Events that the authority rejects are dropped and counted by reason."""
    before = await rejected_events(edge)
    mailing = await send(clients.sender, ["ann"])
    forged = mailing.tokens["ann"][:20] + uuid.uuid4().hex + "AAAA"
    assert (await get(edge.port, f"/c/{forged}/1")).status == 302

    async def new_rejections() -> int:
        return await rejected_events(edge) - before

    await eventually(new_rejections, 1)


async def rejected_events(edge: EdgeProcess) -> int:
    """Return how many events the authority has rejected with TOKEN_INVALID."""
    for line in (await get(edge.port, "/metrics")).body.decode().splitlines():
        if line.startswith('hushpost_edge_rejected_events_total{reason="TOKEN_INVALID"}'):
            return int(float(line.rpartition(" ")[2]))
    return 0
