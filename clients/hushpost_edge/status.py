"""Endpoints for operators: health, readiness and metrics."""

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from hushpost_edge.appender import Appender
from hushpost_edge.link_store import LinkStore
from hushpost_runtime.connection_drain import drain_response

__all__ = ["healthz", "metrics", "readyz"]


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
    if not links.is_complete():
        return PlainTextResponse("links have not been received yet\n", 503)
    if appender.is_full:
        # Still ready, because redirects matter more than events.
        return PlainTextResponse("ok, but the spool is full: events are dropped\n")
    return PlainTextResponse("ok\n")


def metrics(_request: Request) -> Response:
    """Return the metrics of all processes in the Prometheus text format."""
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)
