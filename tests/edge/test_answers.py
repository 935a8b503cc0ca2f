"""What readers get, and what is counted of it."""

import asyncio
import uuid

import pytest

from hushpost_client import DoNotTrack, PolicyUpdate
from tests.conftest import Clients

from .conftest import TRAP_LINK, URLS, Counts, counts, send
from .process import EdgeProcess
from .waiting import eventually
from .wire import Connection, get

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


def headers_of(address: str) -> str:
    """Return the header that a proxy would add."""
    return f"X-Forwarded-For: {address}"


async def test_the_pixel(edge: EdgeProcess) -> None:
    """A transparent GIF of 43 bytes, for readers to fetch each time."""
    answer = await get(edge.port, "/o/" + "A" * 56 + ".gif")
    assert answer.status == 200
    assert answer.headers["content-type"] == b"image/gif"
    assert b"no-store" in answer.headers["cache-control"]
    assert len(answer.body) == GIF_SIZE
    assert answer.body[:6] == b"GIF89a"
    assert answer.body[6:10] == b"\1\0\1\0"


@pytest.mark.parametrize(
    "path",
    ["/o/", "/o/x", "/o/x.gif", "/o/a/b/c.gif", "/o/%00.gif", "/o/%ff.gif?x", "/o/..%2f.gif"],
)
async def test_the_pixel_of_nonsense(edge: EdgeProcess, path: str) -> None:
    """A mail shows no broken image, whatever became of the token."""
    answer = await get(edge.port, path)
    assert (answer.status, len(answer.body)) == (200, GIF_SIZE)


async def test_redirects_are_exact(edge: EdgeProcess, clients: Clients) -> None:
    """Each registered URL comes back to the byte, however odd."""
    mailing = await send(clients.sender, ["ann"], ODD_URLS)
    for number, url in enumerate(ODD_URLS, 1):
        answer = await get(edge.port, f"/c/{mailing.tokens['ann']}/{number}")
        assert answer.status == 302
        assert answer.headers["location"] == url.encode()
        assert answer.headers["referrer-policy"] == b"no-referrer"
        assert b"no-store" in answer.headers["cache-control"]
        assert answer.body == b""


async def test_everything_is_counted_once(edge: EdgeProcess, clients: Clients) -> None:
    """Opens and clicks, of people and machines, as many as there were; HEAD is none."""
    contacts = [f"reader-{number}" for number in range(40)]
    mailing = await send(clients.sender, contacts)

    async def read(number: int, contact: str) -> None:
        token = mailing.tokens[contact]
        address = headers_of(f"203.0.{number}.1")
        async with Connection(edge.port) as connection:
            await connection.get(f"/o/{token}.gif", address)
            await connection.get(f"/c/{token}/1", address)
            await connection.get(f"/c/{token}/1", address, "Purpose: prefetch")
            await connection.get(f"/c/{token}/2", address, method="HEAD")
            await connection.get(f"/o/{token}.gif", address, method="HEAD")
            await connection.get(f"/o/{token}.gif", address, agent="Mozilla/5.0")
            await connection.get(f"/c/{token}/{TRAP_LINK}", address)

    await asyncio.gather(*(read(*each) for each in enumerate(contacts)))
    expected = Counts(opens=40, clicks=40, machine_opens=40, machine_clicks=80, unique_clicks=40)
    await eventually(lambda: counts(clients.reporter, mailing), expected)


async def test_a_burst_is_a_scanner_from_its_first_link(
    edge: EdgeProcess, clients: Clients
) -> None:
    """Links that were followed within a second are a machine's, the first one included."""
    mailing = await send(clients.sender, ["ann", "ben"])
    async with Connection(edge.port) as connection:
        for link in (1, 2, 3):
            for contact, network in (("ann", 1), ("ben", link)):
                address = headers_of(f"198.51.{network}.9")
                token = mailing.tokens[contact]
                assert (await connection.get(f"/c/{token}/{link}", address)).status == 302
    expected = Counts(clicks=3, machine_clicks=3, unique_clicks=1)
    await eventually(lambda: counts(clients.reporter, mailing), expected)


async def test_a_privacy_signal_is_passed_on(edge: EdgeProcess, clients: Clients) -> None:
    """`Sec-GPC: 1` and `DNT: 1` keep a contact out of the numbers that name it."""
    await clients.admin.admin.update_policy(PolicyUpdate(quorum=1))
    mailing = await send(clients.sender, ["ann"])
    path = f"/c/{mailing.tokens['ann']}/1"
    for header in ("Sec-GPC: 1", "DNT: 1", "DNT: 0"):
        await get(edge.port, path, header)

    async def seen() -> tuple[int, int]:
        stats = await clients.reporter.stats.get_campaign_stats(mailing.campaign_id)
        return stats.clicks.human.identified.total, stats.clicks.human.aggregate.total

    await eventually(seen, (1, 2))


async def test_links_work_after_an_opt_out(edge: EdgeProcess, clients: Clients) -> None:
    """Who has opted out, of a campaign that is closed, still gets to the destination."""
    mailing = await send(clients.sender, ["ann"])
    await clients.sender.preferences.set_preference("ann", DoNotTrack.TRUE)
    await clients.sender.campaigns.close_campaign(mailing.campaign_id)
    answer = await get(edge.port, f"/c/{mailing.tokens['ann']}/2")
    assert (answer.status, answer.headers["location"]) == (302, URLS[1].encode())


async def test_a_damaged_token_still_redirects(edge: EdgeProcess, clients: Clients) -> None:
    """A mail program that mangles a long URL costs the count, not the reader's way."""
    mailing = await send(clients.sender, ["ann"])
    token = mailing.tokens["ann"]
    forged = token[:-1] + ("A" if token[-1] != "A" else "B")
    for damaged in (token[:30], forged):
        answer = await get(edge.port, f"/c/{damaged}/1")
        assert (answer.status, answer.headers["location"]) == (302, URLS[0].encode())
    await get(edge.port, f"/c/{token}/1")
    await eventually(lambda: counts(clients.reporter, mailing), Counts(clicks=1, unique_clicks=1))


async def test_a_new_link_is_found_at_once(edge: EdgeProcess, clients: Clients) -> None:
    """A link that was registered a moment ago redirects, also before the stream brings it."""
    for _ in range(3):
        mailing = await send(clients.sender, ["ann"])
        answer = await get(edge.port, f"/c/{mailing.tokens['ann']}/1")
        assert answer.status == 302


@pytest.mark.parametrize(
    "path", ["/", "/c", "/c/", "/c/x/1", "/o", "/p/x", "/favicon.ico", "/docs"]
)
async def test_the_page_for_nothing(edge: EdgeProcess, path: str) -> None:
    """What is no link is a small page that loads nothing from anywhere."""
    answer = await get(edge.port, path)
    assert answer.status == 404
    assert answer.headers["content-type"].startswith(b"text/html")
    assert "location" not in answer.headers
    assert b"http" not in answer.body
    assert b"src=" not in answer.body
    assert len(answer.body) < 1_000


async def test_a_link_that_is_not_there(edge: EdgeProcess, clients: Clients) -> None:
    """A campaign without that link, and a campaign that does not exist, are pages too."""
    mailing = await send(clients.sender, ["ann"])
    for path in (f"/c/{mailing.tokens['ann']}/99", f"/c/AQ{'A' * 54}/1", f"/c/AQ{'B' * 54}/1"):
        answer = await get(edge.port, path)
        assert (answer.status, "location" in answer.headers) == (404, False)


async def test_other_methods_are_refused(edge: EdgeProcess, clients: Clients) -> None:
    """Only GET and HEAD mean anything."""
    mailing = await send(clients.sender, ["ann"])
    for method in ("POST", "PUT", "DELETE", "OPTIONS"):
        answer = await get(
            edge.port, f"/c/{mailing.tokens['ann']}/1", "Content-Length: 0", method=method
        )
        assert answer.status in {404, 405}
        assert "location" not in answer.headers


async def test_status_pages(edge: EdgeProcess) -> None:
    """Health, readiness and metrics answer; metrics name nobody."""
    assert (await get(edge.port, "/healthz")).status == 200
    assert (await get(edge.port, "/readyz")).status == 200
    metrics = (await get(edge.port, "/metrics")).body.decode()
    assert "hushpost_edge_shipped_events_total" in metrics
    assert "campaign" not in metrics.replace("No label names a contact, a tenant, a campaign", "")


async def test_an_unknown_event_is_rejected_by_reason(edge: EdgeProcess, clients: Clients) -> None:
    """What the authority does not take is dropped, and counted by its reason."""
    before = await rejected(edge)
    mailing = await send(clients.sender, ["ann"])
    forged = mailing.tokens["ann"][:20] + uuid.uuid4().hex + "AAAA"
    assert (await get(edge.port, f"/c/{forged}/1")).status == 302

    async def more() -> int:
        return await rejected(edge) - before

    await eventually(more, 1)


async def rejected(edge: EdgeProcess) -> int:
    """Return how many events the authority has called invalid."""
    for line in (await get(edge.port, "/metrics")).body.decode().splitlines():
        if line.startswith('hushpost_edge_rejected_events_total{reason="TOKEN_INVALID"}'):
            return int(float(line.rpartition(" ")[2]))
    return 0
