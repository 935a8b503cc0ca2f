"""The composition root of the main process: the background shipper and Granian."""

from granian.constants import HTTPModes, Interfaces, Loops
from granian.server import MPServer

from hushpost_edge.background_shipper import BackgroundShipper
from hushpost_edge.settings import Settings
from hushpost_edge.spool_cipher import SpoolKey
from hushpost_edge.spool_keys import SpoolKeys
from hushpost_runtime.logging import configure_logging

__all__ = ["serve"]

_WORKER_STOP_SECONDS = 20
"""How long a worker may take to finish its requests before it is killed."""

# Without Granian's handlers, which write to standard output, its records reach ours.
_GRANIAN_LOGGING = {"handlers": {}, "formatters": {}, "loggers": {"_granian": {"propagate": True}}}


def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT, then finish the requests in progress and return."""
    configure_logging(settings.log_level)
    key = SpoolKey.generate()
    key.leave_to_workers()
    shipper = BackgroundShipper(settings, SpoolKeys(settings.keys_dir, key))
    server = MPServer(
        "hushpost_edge.worker:create_app",
        factory=True,
        address=settings.host,
        port=settings.port,
        interface=Interfaces.ASGI,
        loop=Loops.auto,
        http=HTTPModes.http1,
        websockets=False,
        workers=settings.workers,
        workers_kill_timeout=_WORKER_STOP_SECONDS,
        respawn_failed_workers=True,
        # An access log would contain addresses, user agents and tokens.
        log_access=False,
        log_dictconfig=_GRANIAN_LOGGING,
    )
    server.on_startup(shipper.start)
    server.on_shutdown(shipper.stop)
    server.serve()
