"""Tells a reverse proxy for which domains to request certificates (on-demand TLS).

Caddy asks before it obtains or loads a certificate for a name that it does not have in memory:
`GET /ask?domain=…`, and any response other than 2xx means no
(https://caddyserver.com/docs/caddyfile/options#on-demand-tls). The endpoint has an address of its
own, because it would tell anyone who the customers are.
"""

import asyncio
import re
from collections.abc import Container
from http import HTTPStatus
from pathlib import Path

import structlog
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from hushpost_client import Domains
from hushpost_edge import metrics
from hushpost_edge.domain_store import DomainStore
from hushpost_edge.verified_domains import VerifiedDomains
from hushpost_runtime.http_server import embedded_server

__all__ = ["ask_app", "serve_asks"]

_log = structlog.get_logger(__name__)

_RETRY_SECONDS = 10.0
_MAX_NAME = 253
_NAME = re.compile(r"([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


async def serve_asks(listen: str, file: Path, domains: Domains) -> None:
    """Serve the endpoint and keep the domains up to date, until cancelled.

    Tries again later if that fails, because the rest of the edge can do without.

    Args:
        listen: The address, host:port.
        file: The SQLite file of the links.
        domains: The authority.
    """
    verified = VerifiedDomains(DomainStore(file), domains)
    app = ask_app(verified)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(verified.keep())
        while True:
            try:
                await _serve(app, listen)
            except RuntimeError as error:
                # Granian appends a stack trace to the message.
                cause = str(error).partition("\n")[0]
                _log.error("serving --ask-listen failed; will retry", address=listen, cause=cause)
            await asyncio.sleep(_RETRY_SECONDS)


async def _serve(app: ASGIApp, listen: str) -> None:
    """Serve an application until cancelled. Raises RuntimeError."""
    server = embedded_server(app, listen)
    serving = asyncio.create_task(server.serve())
    try:
        await asyncio.wait((serving,))
    finally:
        server.stop()  # type: ignore[no-untyped-call]
        await asyncio.wait((serving,))
    serving.result()


def ask_app(verified: Container[str]) -> Starlette:
    """Return the ASGI application of the endpoint."""

    async def ask(request: Request) -> Response:
        given = request.query_params.getlist("domain")
        name = given[0].lower() if len(given) == 1 else ""
        if not (len(name) <= _MAX_NAME and _NAME.fullmatch(name)):
            return _response("malformed", HTTPStatus.BAD_REQUEST)
        if name in verified:
            return _response("verified", HTTPStatus.OK)
        return _response("unknown", HTTPStatus.NOT_FOUND)

    return Starlette(routes=[Route("/ask", ask)])


def _response(what: str, status: HTTPStatus) -> Response:
    metrics.ASKED_DOMAINS.labels(what).inc()
    return PlainTextResponse(f"{what}\n", status)
