"""The compiled load generator `bench/load/http_load`, against a server that counts requests."""

import asyncio
import json
import shutil
import subprocess
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest

from bench.load.go_program import built_go_program
from bench.load.http_load_process import HttpLoad, HttpLoadProcess, start_http_load_process
from tests.waiting import until

URLS = ("https://example.com/first", "https://example.com/second")
TOKENS = ("token-1", "token-2", "token-3")
PATHS = ("/c/token-1/1", "/c/token-2/2", "/c/token-3/1")

pytestmark = [
    pytest.mark.skipif(shutil.which("go") is None, reason="there is no Go"),
    pytest.mark.timeout(120),
]


@dataclass
class Edge:
    """Redirects to the link in a path.

    Attributes:
        requests: How many requests there were, by path.
        in_progress: Requests without a response.
        most_in_progress: The greatest number of them.
        response: The status line and what follows; the URL is inserted.
        pause: Seconds between the two halves of a response.
    """

    port: int = 0
    requests: Counter[str] = field(default_factory=Counter)
    in_progress: int = 0
    most_in_progress: int = 0
    response: str = "HTTP/1.1 302 Found\r\nlocation: {url}\r\ncontent-length: 0\r\n\r\n"
    pause: float = 0.0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve a connection."""
        try:
            while True:
                request = await reader.readuntil(b"\r\n\r\n")
                path = request.split()[1].decode()
                self.requests[path] += 1
                self.in_progress += 1
                self.most_in_progress = max(self.most_in_progress, self.in_progress)
                response = self.response.format(url=URLS[int(path[-1]) - 1]).encode()
                writer.write(response[:20])
                await asyncio.sleep(self.pause)
                self.in_progress -= 1
                writer.write(response[20:])
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()


@pytest.fixture
async def edge() -> AsyncIterator[Edge]:
    """A server of its own."""
    made = Edge()
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    yield made
    server.close()


@pytest.fixture
async def generator() -> AsyncIterator[HttpLoadProcess]:
    """The program, which clicks on three messages with two links."""
    async with start_http_load_process() as started:
        await started.set_messages(TOKENS, URLS)
        yield started


async def test_connections_click_on_one_message_after_the_other(
    generator: HttpLoadProcess, edge: Edge
) -> None:
    """Each connection has one request in progress; a response may come in parts."""
    edge.pause = 0.002
    result = await generator.run(HttpLoad(edge.port, 4, 0.3))
    assert edge.requests.keys() == {*PATHS}
    assert edge.requests.total() == result.clicks > 30
    assert max(edge.requests.values()) - min(edge.requests.values()) <= 1
    assert edge.most_in_progress == 4
    assert 0.002 < result.p99 < result.seconds
    assert result.seconds >= 0.3
    assert 0 < result.cpu_seconds < result.seconds


async def test_clicks_at_a_rate_are_due_at_fixed_intervals(
    generator: HttpLoadProcess, edge: Edge
) -> None:
    """As many clicks are sent as the rate says; the latency counts from when one is due."""
    result = await generator.run(HttpLoad(edge.port, 4, 0.5, 200.0))
    assert result.clicks == 100
    assert result.seconds > 0.48

    edge.pause = 0.02  # one connection sends 50 per second, so that the last is late by a second
    late = await generator.run(HttpLoad(edge.port, 1, 0.5, 200.0))
    assert late.clicks == 100
    assert late.p99 > 1


@pytest.mark.parametrize(
    ("response", "message"),
    [
        ("HTTP/1.1 302 Found\r\nlocation: https://example.org/\r\n\r\n", "unexpected response"),
        ("HTTP/1.1 404 Not Found\r\nlocation: {url}\r\n\r\n", "unexpected response"),
        ("HTTP/1.1 302 Found\r\nx-location: {url}\r\n\r\n", "unexpected response"),
    ],
)
async def test_any_other_response_is_an_error(
    generator: HttpLoadProcess, edge: Edge, response: str, message: str
) -> None:
    """So is a server that cannot be reached; the program can be used afterwards."""
    right, edge.response = edge.response, response
    with pytest.raises(AssertionError, match=message):
        await generator.run(HttpLoad(edge.port, 2, 0.2))
    with pytest.raises(AssertionError, match="connection refused"):
        await generator.run(HttpLoad(1, 2, 0.2))
    edge.response = right
    assert (await generator.run(HttpLoad(edge.port, 2, 0.1))).clicks


async def test_it_exits_at_the_end_of_its_input(edge: Edge) -> None:
    """Also during a load: it does not outlive its parent."""
    async with built_go_program("http_load") as program:
        process = await asyncio.create_subprocess_exec(
            program, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL
        )
        assert process.stdin is not None
        load = {"port": edge.port, "connections": 1, "seconds": 60, "rate": 100}
        process.stdin.write(json.dumps({"tokens": TOKENS, "urls": URLS}).encode())
        process.stdin.write(json.dumps(load).encode())
        await until(lambda: edge.requests.total() > 0)
        process.stdin.close()
        assert await asyncio.wait_for(process.wait(), 5) == 0
