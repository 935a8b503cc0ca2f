"""What whoever runs the edge asks it: is it alive, is it ready, what are its numbers."""

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from hushpost_edge.appender import Appender
from hushpost_edge.links import LinkStore

__all__ = ["healthz", "metrics", "readyz"]


async def healthz(_request: Request) -> Response:
    """Answer that the worker runs."""
    return PlainTextResponse("ok\n")


async def readyz(request: Request) -> Response:
    """Answer whether all links have been here once; from then on the authority may be down."""
    links: LinkStore = request.app.state.links
    appender: Appender = request.app.state.appender
    if not links.is_complete():
        return PlainTextResponse("links have not been received yet\n", 503)
    if appender.is_full:
        # Ready all the same: getting a reader to the destination matters most.
        return PlainTextResponse("ok, but the spool is full: events are refused\n")
    return PlainTextResponse("ok\n")


def metrics(_request: Request) -> Response:
    """Answer the numbers of all processes, in the Prometheus text format."""
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)
