"""An edge redirects to registered links and nowhere else, whatever it is sent."""

import asyncio

import pytest

from tests.conftest import RunningAuthority, make_tenant

from .conftest import URLS, Mailing, send
from .process import EdgeProcess
from .wire import Answer, get

EVIL = "evil.example"

# `{token}` becomes a good token; each is sent as it stands.
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

# Sent with a path that redirects, and with one that would if a slash were added.
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
    """A campaign with one reader."""
    keys = await make_tenant(authority)
    async with authority.client(keys.sender_key) as sender:
        return await send(sender, ["ann"])


def is_harmless(answer: Answer | None) -> bool:
    """Tell whether an answer leads nowhere; no answer at all does not either."""
    return answer is None or (
        answer.status >= 400
        and "location" not in answer.headers
        and "refresh" not in answer.headers
        and EVIL.encode() not in answer.body
    )


async def asked(edge: EdgeProcess, path: bytes, *headers: str) -> Answer | None:
    """Make a request that a server may well hang up on."""
    try:
        return await get(edge.port, path, *headers)
    except (EOFError, ConnectionError):
        return None


@pytest.mark.parametrize("trick", TRICKS, ids=lambda trick: trick[:60])
async def test_a_path_leads_nowhere(edge: EdgeProcess, mailing: Mailing, trick: str) -> None:
    """A path that is not a link's is an error, not a redirect."""
    path = trick.replace("{token}", mailing.tokens["ann"])
    assert is_harmless(await asked(edge, path.encode()))


@pytest.mark.parametrize(
    "trick",
    [
        b"/c/{token}/99 HTTP/1.1\r\nHost: evil.example\r\nX: ",
        b"/c/{token}/\xd9\xa1",
        b"/c/{token}/\x00",
        b"/c/{token}/1\x00",
        b"/c/\xff\xfe/1",
        b"evil.example:443",
        b"*",
    ],
)
async def test_raw_bytes_lead_nowhere(edge: EdgeProcess, mailing: Mailing, trick: bytes) -> None:
    """Bytes that no URL holds are refused."""
    path = trick.replace(b"{token}", mailing.tokens["ann"].encode())
    assert is_harmless(await asked(edge, path))


@pytest.mark.parametrize("headers", HEADERS)
async def test_headers_change_nothing(
    edge: EdgeProcess, mailing: Mailing, headers: tuple[str, ...]
) -> None:
    """The destination is the registered one, whatever host the request names."""
    token = mailing.tokens["ann"]
    answer = await asked(edge, f"/c/{token}/1".encode(), *headers)
    assert is_harmless(answer) or (answer and answer.headers["location"] == URLS[0].encode())
    assert is_harmless(await asked(edge, f"/c/{token}/1/".encode(), *headers))
    assert is_harmless(await asked(edge, b"/healthz/", *headers))


async def test_the_edge_is_none_the_worse(edge: EdgeProcess, mailing: Mailing) -> None:
    """After all tricks at once, a click redirects as before."""
    token = mailing.tokens["ann"]
    paths = [trick.replace("{token}", token).encode() for trick in TRICKS]
    await asyncio.gather(*(asked(edge, path) for path in paths))
    answer = await get(edge.port, f"/c/{token}/2")
    assert (answer.status, answer.headers["location"]) == (302, URLS[1].encode())
