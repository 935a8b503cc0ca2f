"""The trap link from the message to the statistics."""

import re
import uuid

import hushpost_mail
from hushpost_client import Hushpost
from tests.conftest import Clients
from tests.waiting import eventually

from .conftest import URLS, Counts, Mailing, counts, forwarded_for, send
from .edge_process import EdgeProcess
from .raw_http import Connection, get

HTML = "<body>" + "".join(f'<a href="{url}">offer</a>' for url in URLS) + "</body>"


async def paths_in_message(sender: Hushpost) -> tuple[Mailing, list[str]]:
    """Send a newsletter to Ann, and return the paths of its links in their order."""
    campaign = await hushpost_mail.create_campaign(
        HTML,
        hushpost=sender,
        tracking_url="https://click.example.com",
        campaign_id=f"c-{uuid.uuid4().hex[:12]}",
        groups=["all"],
        trap_link=True,
    )
    (message,) = [each async for each in campaign.render_all([("ann", "all")])]
    paths = re.findall(r'href="https://click\.example\.com(/c/[^"]+)"', message.message.html or "")
    token = paths[0].split("/")[2]
    return Mailing(campaign.campaign_id, {"ann": token}), paths


async def test_a_scanner_that_follows_the_trap_link(edge: EdgeProcess, clients: Clients) -> None:
    """It counts as a machine on all links, although it takes its time; the recipient counts."""
    mailing, paths = await paths_in_message(clients.sender)
    assert len(paths) == 1 + len(URLS)
    scanner, recipient = forwarded_for("198.51.100.7"), forwarded_for("203.0.113.7")
    async with Connection(edge.port) as connection:
        for path in paths[:2]:
            response = await connection.get(path, scanner)
            # The trap link leads to the first link of the message.
            assert (response.status, response.headers["location"].decode()) == (302, URLS[0])
        assert (await connection.get(paths[3], recipient)).status == 302
    expected = Counts(clicks=1, machine_clicks=2, unique_clicks=1)
    await eventually(lambda: counts(clients.reporter, mailing), expected)


async def test_the_trap_link_alone_is_no_click_of_a_person(
    edge: EdgeProcess, clients: Clients
) -> None:
    """However it is written; a browser that prefetches it does not give its reader away."""
    mailing = await send(clients.sender, ["ann", "ben"])
    ann, ben = mailing.tokens["ann"], mailing.tokens["ben"]
    address = forwarded_for("198.51.101.7")
    async with Connection(edge.port) as connection:
        assert (await connection.get(f"/C//{ann}/00).", address)).status == 302
        assert (await connection.get(f"/c/{ben}/0", address, "Sec-Purpose: prefetch")).status == 302
        assert (await connection.get(f"/c/{ben}/3", address)).status == 302
    expected = Counts(clicks=1, machine_clicks=2, unique_clicks=1)
    await eventually(lambda: counts(clients.reporter, mailing), expected)


async def test_the_trap_link_redirects_with_a_damaged_token(
    edge: EdgeProcess, clients: Clients
) -> None:
    """As all links do; it then reveals no one."""
    mailing = await send(clients.sender, ["ann"])

    async def redirect() -> tuple[int, bytes]:
        response = await get(edge.port, f"/c/{mailing.tokens['ann'].lower()}/0")
        return response.status, response.headers.get("location", b"")

    # A damaged token is only looked up in the edge's own copy of the links.
    await eventually(redirect, (302, URLS[0].encode()))
