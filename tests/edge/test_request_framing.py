"""Requests that servers in a chain could read differently are refused."""

import asyncio

import pytest

from tests.conftest import Clients

from .conftest import send
from .edge_process import EdgeProcess


async def status_of(edge: EdgeProcess, path: str, *lines: str, version: str = "1.1") -> bytes:
    """Send a request with exactly these header lines; return the status, empty if there is none."""
    reader, writer = await asyncio.open_connection("127.0.0.1", edge.port)
    head = [f"GET {path} HTTP/{version}", *lines, "Connection: close", "", ""]
    writer.write("\r\n".join(head).encode())
    async with asyncio.timeout(20):
        received = await reader.read()
    writer.close()
    return received[9:12]


@pytest.mark.parametrize(
    "lines",
    [
        (),
        ("Host:",),
        ("Host: a.example", "Host: a.example"),
        ("Host: a.example", "hOST: b.example"),
        ("Host: a.example", "Content-Length: 0", "Transfer-Encoding: chunked"),
        ("Host: a.example", "Transfer-Encoding: chunked", "Content-Length: 4"),
        ("Host: a.example", "Transfer-Encoding: chunked"),
    ],
)
@pytest.mark.parametrize("path", ["/c/{}/1", "/o/{}.gif", "/healthz"])
async def test_an_ambiguous_request_is_refused(
    edge: EdgeProcess, clients: Clients, path: str, lines: tuple[str, ...]
) -> None:
    """Two Host headers, none or an empty one in HTTP/1.1, or a GET with a chunked body."""
    mailing = await send(clients.sender, ["ann"])
    path = path.format(mailing.tokens["ann"])
    assert await status_of(edge, path, *lines) == b"400"


async def test_an_unambiguous_request_is_served(edge: EdgeProcess) -> None:
    """HTTP/1.0 needs no Host header, and a body with one length is none of an edge's business."""
    assert await status_of(edge, "/healthz", version="1.0") == b"200"
    assert await status_of(edge, "/healthz", "Host: a.example", "Content-Length: 0") == b"200"
