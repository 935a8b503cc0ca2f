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

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from hushpost_client import Domains
from hushpost_edge import metrics
from hushpost_edge.domain_store import DomainStore
from hushpost_edge.verified_domains import VerifiedDomains
from hushpost_runtime.http_server import embedded_server

__all__ = ["ask_app", "serve_asks"]

_MAX_NAME = 253
_NAME = re.compile(r"([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


async def serve_asks(listen: str, file: Path, domains: Domains) -> None:
    """Serve the endpoint and keep the domains up to date, until cancelled.

    Args:
        listen: The address, host:port.
        file: The SQLite file of the links.
        domains: The authority.
    """
    store = DomainStore(file)
    try:
        verified = VerifiedDomains(store, domains)
        server = embedded_server(ask_app(verified), listen)
        async with asyncio.TaskGroup() as tasks:
            serving = tasks.create_task(server.serve())
            try:
                await verified.keep()
            finally:
                server.stop()  # type: ignore[no-untyped-call]
                await asyncio.wait((serving,))
    finally:
        store.close()


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
