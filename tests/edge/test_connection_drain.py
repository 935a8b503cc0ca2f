"""Edge and dashboard close keep-alive connections after SIGTERM without losing a request."""

import asyncio
import signal
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path

import pytest

from tests.dashboard.dashboard_process import DashboardProcess
from tests.http_process import HttpProcess
from tests.waiting import eventually, until

from .edge_process import EdgeProcess
from .raw_http import Connection, HttpResponse, get

AUTHORITY = "127.0.0.1:1"
PIXEL = "/o/x.gif"
DRAIN_SECONDS = 2.0
"""More than a stop without a drain takes, a second try to connect included."""


def edge(folder: Path, drain_seconds: float) -> EdgeProcess:
    """Return an edge with two workers."""
    options = ("--workers=2", f"--drain-seconds={drain_seconds}")
    return EdgeProcess(folder, AUTHORITY, "hp_x", *options, path="/healthz")


def dashboard(folder: Path, drain_seconds: float) -> DashboardProcess:
    """Return a dashboard."""
    return DashboardProcess(folder, AUTHORITY, f"--drain-seconds={drain_seconds}")


@pytest.mark.parametrize("server", [edge, dashboard])
async def test_responses_close_the_connection_until_a_second_signal(
    server: Callable[[Path, float], HttpProcess], tmp_path: Path
) -> None:
    """After SIGTERM, all workers do so, accept connections, and are not ready."""
    with server(tmp_path, 200) as process:
        async with AsyncExitStack() as stack:
            connections = [
                await stack.enter_async_context(Connection(process.port)) for _ in range(8)
            ]
            for connection in connections:
                assert "connection" not in (await connection.get("/healthz")).headers
            process.process.send_signal(signal.SIGTERM)
            await eventually(lambda: readiness(process.port), (503, b"stopping\n"))
            for connection in connections:
                await eventually(partial(closes, connection), expected=True)
        assert process.stop() == 0


async def test_ctrl_c_ends_an_edge_without_a_drain(tmp_path: Path) -> None:
    """Also if only the main process gets the signal."""
    with edge(tmp_path, 200) as process:
        process.process.send_signal(signal.SIGINT)
        assert process.wait_for_end() == 0


async def test_a_stopping_edge_loses_no_request(tmp_path: Path) -> None:
    """Neither on reused connections nor on new ones, up to the moment when it refuses them."""
    with edge(tmp_path, DRAIN_SECONDS) as process:
        readers = [Reader() for _ in range(20)]
        tasks = [asyncio.create_task(reader.read(process.port)) for reader in readers]
        await until(lambda: all(reader.responses for reader in readers))
        stopped = time.monotonic()
        process.process.send_signal(signal.SIGTERM)
        await asyncio.gather(*tasks)
        assert time.monotonic() - stopped >= DRAIN_SECONDS
        assert process.wait_for_end() == 0


class Reader:
    """Requests pixels until no connection is accepted; fails if a request gets no response."""

    def __init__(self) -> None:
        self.responses = 0

    async def read(self, port: int) -> None:
        """Send one request after the other; connect again when a response closes the connection."""
        while True:
            try:
                stack = AsyncExitStack()
                connection = await stack.enter_async_context(Connection(port))
            except ConnectionRefusedError:
                return
            async with stack:
                while not is_last(await connection.get(PIXEL)):
                    self.responses += 1


def is_last(response: HttpResponse) -> bool:
    """Return whether the server closes the connection after a response."""
    return response.headers.get("connection") == b"close"


async def readiness(port: int) -> tuple[int, bytes]:
    """Return status and body of `/readyz` on a new connection."""
    response = await get(port, "/readyz")
    return response.status, response.body


async def closes(connection: Connection) -> bool:
    """Send a request; return whether the server closes the connection, as it says."""
    response = await connection.get("/healthz")
    assert response.status == 200
    if not is_last(response):
        return False
    with pytest.raises((ConnectionError, EOFError)):
        await connection.get("/healthz")
    return True
