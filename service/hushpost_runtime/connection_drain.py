"""Closes keep-alive connections before a worker of an HTTP server stops, so that no request is lost.

A server may close an idle connection just when the client sends the next request on it, which
gets no response then (RFC 9112, 9.6). A response with `Connection: close` has no such race. So
a worker goes on serving for a while after SIGTERM, new connections included, and says so in each
response. Granian has no such phase: it closes all idle connections at once.
"""

import asyncio
import signal
from collections.abc import Awaitable
from typing import Annotated

import structlog
from pydantic import Field
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hushpost_runtime.listening_sockets import ignore_new_connections

__all__ = ["ConnectionDrain", "DrainSeconds", "drain_response"]

_log = structlog.get_logger(__name__)

_LAST_REQUESTS_SECONDS = 0.3
"""How long to wait for requests on connections that were made at the end of the drain."""

DrainSeconds = Annotated[
    float,
    Field(
        ge=0,
        le=300,
        description="How long to go on after SIGTERM, to close keep-alive connections without "
        "losing a request; 0: stop at once.",
    ),
]


class ConnectionDrain:
    """An ASGI application that closes the connection after each response of another, after SIGTERM.

    Attributes:
        is_on: Whether the worker is about to stop.
    """

    def __init__(self, app: ASGIApp, seconds: float) -> None:
        self.is_on = False
        self._app = app
        self._seconds = seconds

    def start_on_sigterm(self) -> None:
        """Replace Granian's handler of SIGTERM; call this in the lifespan.

        When the time is over, the worker gets a SIGINT, which stops it. A SIGINT from outside
        stops it earlier.
        """
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, self._start)

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Handle a request or a lifespan event."""
        if self.is_on and scope["type"] == "http":
            send = _closing(send)
        return self._app(scope, receive, send)

    def _start(self) -> None:
        if not self.is_on:  # a service manager may signal all processes
            self.is_on = True
            _log.info("draining connections", seconds=self._seconds)
            asyncio.get_running_loop().call_later(self._seconds, self._end)

    def _end(self) -> None:
        wait = 0.0
        if self._seconds:
            ignore_new_connections()
            wait = _LAST_REQUESTS_SECONDS
        asyncio.get_running_loop().call_later(wait, signal.raise_signal, signal.SIGINT)


def drain_response(request: Request) -> Response | None:
    """Return the response of `/readyz` if the worker is about to stop, else None."""
    drain: ConnectionDrain = request.app.state.drain
    return PlainTextResponse("stopping\n", 503) if drain.is_on else None


def _closing(send: Send) -> Send:
    async def send_and_close(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = [*message.get("headers", ()), (b"connection", b"close")]
            message = {**message, "headers": headers}
        await send(message)

    return send_and_close
