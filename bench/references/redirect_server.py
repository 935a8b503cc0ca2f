"""Reference for the edge: a Starlette redirect on Granian that records nothing.

`python -m bench.references.redirect_server PORT` serves until the end of stdin, so that it
cannot outlive its parent.
"""

import asyncio
import multiprocessing
import os
import signal
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
from tests.free_port import free_port

__all__ = ["create_app", "running_redirect_server"]

_START_SECONDS = 20
_HEADERS = {
    "referrer-policy": "no-referrer",
    "cache-control": "no-store, no-cache, must-revalidate, private, max-age=0",
}


async def _redirect(request: Request) -> Response:
    url = LINKS[int(request.path_params["number"]) - 1]
    return RedirectResponse(url, 302, headers=_HEADERS)


def create_app() -> Starlette:
    """Create the application; Granian calls this in its worker."""
    return Starlette(routes=[Route("/c/{token}/{number}", _redirect)])


@asynccontextmanager
async def running_redirect_server() -> AsyncIterator[int]:
    """Run the server with one worker and yield its port."""
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.references.redirect_server", str(port), stdin=PIPE
    )
    assert process.stdin is not None
    try:
        async with asyncio.timeout(_START_SECONDS):
            await _wait_until_listening(port)
        yield port
    finally:
        process.stdin.close()
        await process.wait()


async def _wait_until_listening(port: int) -> None:
    while True:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.05)
        else:
            writer.close()
            return


def _stop_at_end_of_stdin() -> None:
    os.read(sys.stdin.fileno(), 1)
    os.kill(os.getpid(), signal.SIGTERM)


def _serve(port: int) -> None:
    multiprocessing.set_start_method("spawn")
    server = MPServer(
        "bench.references.redirect_server:create_app",
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
    threading.Thread(target=_stop_at_end_of_stdin, daemon=True).start()
    server.serve()


if __name__ == "__main__":
    _serve(int(sys.argv[1]))
