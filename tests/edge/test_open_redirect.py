"""The edge is no open redirect: it redirects to registered links only."""

import asyncio
import re

import pytest

from tests.conftest import RunningAuthority, make_tenant

from .conftest import URLS, Mailing, send
from .edge_process import EdgeProcess
from .raw_http import HttpResponse, get

EVIL = "evil.example"

# `{token}` is replaced by a valid token; the paths are sent unchanged.
TRICKS = (
    "//evil.example/c/{token}/1",
    "///evil.example",
    "/\\evil.example",
    "/%5cevil.example",
    "/%2f%2fevil.example",
    "//evil.example/%2e%2e",
    "http://evil.example/c/{token}/99",
    "/c//evil.example/1",
    "/c/{token}//evil.example",
    "/c/{token}/https://evil.example",
    "/c/{token}/1/",
    "/c/{token}/1//evil.example",
    "/c/{token}/1/..//evil.example",
    "/c/{token}/99/../1@evil.example",
    "/c/{token}/1@evil.example",
    "/c/{token}/1;https://evil.example",
    "/c/{token}/1%2f..%2f..%2fevil.example",
    "/c/{token}%2f..%2fevil.example/1",
    "/c/../c/{token}/99",
    "/c/{token}/?url=https://evil.example",
    "/c/{token}/99?url=https://evil.example&n=1",
    "/c/{token}/0",
    "/c/{token}/-1",
    "/c/{token}/+1",
    "/c/{token}/01",
    "/c/{token}/1.0",
    "/c/{token}/1e0",
    "/c/{token}/0x1",
    "/c/{token}/%31%00",
    "/c/{token}/1%00.evil.example",
    "/c/{token}/%EF%BC%91",  # a full-width 1
    "/c/{token}/%D9%A1",  # an Arabic 1
    "/c/{token}/%C2%B9",  # a superscript 1
    "/c/{token}/4294967297",  # 1 in 32 bits
    "/c/{token}/18446744073709551617",  # 1 in 64 bits
    "/c/{token}/" + "9" * 5_000,
    "/c/{token}/1%0d%0aLocation:%20https://evil.example",
    "/c/{token}%0d%0aLocation:%20https://evil.example/1x",
    "/c/%0d%0aLocation:%20https://evil.example%0d%0a/1",
    "/c/" + "A" * 60_000 + "/1",
    "/c/" + "A" * 70_000 + "/1",
    "/c/{token}/" + "%2f" * 10_000,
    "/healthz//evil.example",
    "/readyz/",
    "/metrics/",
    "/p/https://evil.example",
)

# Sent with a path that redirects, and with paths with an extra slash.
HEADERS = (
    ("Host: evil.example",),
    ("Host: localhost", "Host: evil.example"),
    ("X-Forwarded-Host: evil.example", "X-Forwarded-Proto: https"),
    ("Forwarded: host=evil.example;proto=https",),
    ("X-Original-URL: https://evil.example/", "X-Rewrite-URL: /c/x/99"),
    ("Referer: https://evil.example/", "Origin: https://evil.example"),
    ("X-Forwarded-For: evil.example",),
    ("X-Forwarded-For: 1.2.3.4\tX: y", "X-Forwarded-Prefix: //evil.example"),
)


@pytest.fixture(scope="module")
async def mailing(authority: RunningAuthority) -> Mailing:
    """A campaign with one contact."""
    keys = await make_tenant(authority)
    async with authority.client(keys.sender_key) as sender:
        return await send(sender, ["ann"])


def is_harmless(response: HttpResponse | None) -> bool:
    """Return whether a response is an error that does not redirect; None is harmless too."""
    return response is None or (
        response.status >= 400
        and "location" not in response.headers
        and "refresh" not in response.headers
        and EVIL.encode() not in response.body
    )


async def request(edge: EdgeProcess, path: bytes, *headers: str) -> HttpResponse | None:
    """Send a request; return None if the server closes the connection."""
    try:
        return await get(edge.port, path, *headers)
    except (EOFError, ConnectionError):
        return None


@pytest.mark.parametrize("trick", TRICKS, ids=lambda trick: trick[:60])
async def test_a_forged_path_redirects_to_a_registered_link_at_most(
    edge: EdgeProcess, mailing: Mailing, trick: str
) -> None:
    """A path that is not a link gets an error; one that can be read as link 1 leads there.

    Number 0 is the trap link, which leads to link 1.
    """
    path = trick.replace("{token}", mailing.tokens["ann"])
    response = await request(edge, path.encode())
    if re.match(r"/+c/+{token}/+(0*(1|%31)|0+)(?![0-9])", trick):
        assert response is not None
        assert (response.status, response.headers["location"]) == (302, URLS[0].encode())
    else:
        assert is_harmless(response)


@pytest.mark.parametrize(
    "trick",
    [
        b"/c/{token}/99 HTTP/1.1\r\nHost: evil.example\r\nX: ",
        b"/c/{token}/\xd9\xa1",
        b"/c/{token}/\x00",
        b"/c/\xff\xfe/1",
        b"evil.example:443",
        b"*",
    ],
)
async def test_invalid_bytes_do_not_redirect(
    edge: EdgeProcess, mailing: Mailing, trick: bytes
) -> None:
    """Request lines with bytes that are invalid in URLs do not redirect."""
    path = trick.replace(b"{token}", mailing.tokens["ann"].encode())
    assert is_harmless(await request(edge, path))


@pytest.mark.parametrize("headers", HEADERS)
async def test_headers_do_not_change_the_destination(
    edge: EdgeProcess, mailing: Mailing, headers: tuple[str, ...]
) -> None:
    """The destination is the registered URL, even with a forged Host or similar header."""
    token = mailing.tokens["ann"]
    response = await request(edge, f"/c/{token}/1".encode(), *headers)
    assert is_harmless(response) or (response and response.headers["location"] == URLS[0].encode())
    assert is_harmless(await request(edge, f"/c/{token}/".encode(), *headers))
    assert is_harmless(await request(edge, b"/healthz/", *headers))


async def test_the_edge_works_after_all_forged_requests(
    edge: EdgeProcess, mailing: Mailing
) -> None:
    """After all forged requests at once, a valid link still redirects."""
    token = mailing.tokens["ann"]
    paths = [trick.replace("{token}", token).encode() for trick in TRICKS]
    await asyncio.gather(*(request(edge, path) for path in paths))
    response = await get(edge.port, f"/c/{token}/2")
    assert (response.status, response.headers["location"]) == (302, URLS[1].encode())
