"""Endpoints for operators: health, readiness and metrics."""

import sqlite3

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from hushpost_edge.appender import Appender, Refusal
from hushpost_edge.link_store import LinkStore
from hushpost_edge.shared_metrics import are_metrics_shared
from hushpost_runtime.connection_drain import drain_response

__all__ = ["healthz", "metrics", "readyz"]

_READY = {
    None: "ok\n",
    Refusal.FULL: "ok, but the spool is full: events are dropped\n",
    Refusal.DISK: "ok, but the disk is full or fails: events are dropped\n",
}


async def healthz(_request: Request) -> Response:
    """Report that the worker is running."""
    return PlainTextResponse("ok\n")


async def readyz(request: Request) -> Response:
    """Report whether to send requests here.

    That is so from when all links have been received, because the edge survives an outage then,
    until it is about to stop.
    """
    if (stopping := drain_response(request)) is not None:
        return stopping
    links: LinkStore = request.app.state.links
    appender: Appender = request.app.state.appender
    if not _are_complete(links):
        return PlainTextResponse("links have not been received yet\n", 503)
    # Ready although events are dropped, because redirects matter more.
    return PlainTextResponse(_READY[appender.refusal])


def _are_complete(links: LinkStore) -> bool:
    try:
        return links.is_complete()
    except sqlite3.Error:
        return False


def metrics(_request: Request) -> Response:
    """Return the metrics of all processes in the Prometheus text format."""
    registry = REGISTRY  # of this process
    if are_metrics_shared():
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)
