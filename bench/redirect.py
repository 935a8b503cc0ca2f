"""The reference for the edge: a bare Starlette redirect on Granian, which records nothing.

`python -m bench.redirect PORT` serves until its standard input ends, so that it
cannot outlive who started it.
"""

import asyncio
import multiprocessing
import os
import signal
import socket
import sys
import threading
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from granian.constants import HTTPModes, Interfaces, Loops
from granian.server import MPServer
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from bench.scenario import LINKS

__all__ = ["bare_redirect", "create"]

_START_SECONDS = 20
_HEADERS = {
    "referrer-policy": "no-referrer",
    "cache-control": "no-store, no-cache, must-revalidate, private, max-age=0",
}


async def _click(request: Request) -> Response:
    url = LINKS[int(request.path_params["number"]) - 1]
    return RedirectResponse(url, 302, headers=_HEADERS)


def create() -> Starlette:
    """Make the application; Granian calls this in its worker."""
    return Starlette(routes=[Route("/c/{token}/{number}", _click)])


@asynccontextmanager
async def bare_redirect() -> AsyncIterator[int]:
    """Run it with one worker; give its port."""
    port = _free_port()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.redirect", str(port), stdin=PIPE
    )
    assert process.stdin is not None
    try:
        async with asyncio.timeout(_START_SECONDS):
            await _listening(port)
        yield port
    finally:
        process.stdin.close()
        await process.wait()


async def _listening(port: int) -> None:
    while True:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.05)
        else:
            writer.close()
            return


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _end_with_input() -> None:
    os.read(sys.stdin.fileno(), 1)
    os.kill(os.getpid(), signal.SIGTERM)


def _serve(port: int) -> None:
    multiprocessing.set_start_method("spawn")
    server = MPServer(
        "bench.redirect:create",
        factory=True,
        port=port,
        interface=Interfaces.ASGI,
        loop=Loops.auto,
        http=HTTPModes.http1,
        websockets=False,
        workers=1,
        log_enabled=False,
        log_access=False,
    )
    threading.Thread(target=_end_with_input, daemon=True).start()
    server.serve()


if __name__ == "__main__":
    _serve(int(sys.argv[1]))
