"""What whoever runs the edge asks it: is it alive, is it ready, what are its numbers."""

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from hushpost_edge.appender import Appender
from hushpost_edge.links import LinkStore

__all__ = ["Readiness", "healthz", "metrics"]


async def healthz(_request: Request) -> Response:
    """Answer that the worker runs."""
    return PlainTextResponse("ok\n")


class Readiness:
    """Ready once all links have been here; from then on the authority may be down."""

    def __init__(self, links: LinkStore, appender: Appender) -> None:
        self._links = links
        self._appender = appender

    async def __call__(self, _request: Request) -> Response:
        """Answer 200, or 503 with what is missing."""
        if not self._links.is_complete():
            return PlainTextResponse("links have not been received yet\n", 503)
        if self._appender.is_full:
            # Still ready: a reader must get to the destination rather than be counted.
            return PlainTextResponse("ok, but the spool is full: events are refused\n")
        return PlainTextResponse("ok\n")


def metrics(_request: Request) -> Response:
    """Answer the numbers of all processes, in the Prometheus text format."""
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)
