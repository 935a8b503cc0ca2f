"""The composition root of the main process: the courier, and Granian with its workers."""

from granian.constants import HTTPModes, Interfaces, Loops
from granian.server import MPServer

from hushpost_edge.courier import Courier
from hushpost_edge.settings import Settings
from hushpost_runtime.logging import configure_logging

__all__ = ["serve"]

_STOP_SECONDS = 20
"""How long a worker may take to finish what it has begun."""

# Granian's own handlers would write to standard output, past our processors.
_LOGS = {"handlers": {}, "formatters": {}, "loggers": {"_granian": {"propagate": True}}}


def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT; then finish what was begun, and return."""
    configure_logging(settings.log_level)
    courier = Courier(settings)
    server = MPServer(
        "hushpost_edge.app:create",
        factory=True,
        address=settings.host,
        port=settings.port,
        interface=Interfaces.ASGI,
        loop=Loops.auto,
        http=HTTPModes.http1,
        websockets=False,
        workers=settings.workers,
        workers_kill_timeout=_STOP_SECONDS,
        respawn_failed_workers=True,
        # No access log: addresses, user agents and tokens would stand in it.
        log_access=False,
        log_dictconfig=_LOGS,
    )
    server.on_startup(courier.start)
    server.on_shutdown(courier.stop)
    server.serve()
