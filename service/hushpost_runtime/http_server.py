"""Granian, the HTTP server of the edge and of the dashboard."""

import multiprocessing
import os
import signal
import threading
import time

from granian.constants import HTTPModes, Interfaces, Loops
from granian.server import MPServer

from hushpost_runtime.addresses import host_and_port
from hushpost_runtime.stop_signals import end_on_signals

__all__ = ["http_server", "stop_with_parent"]

_WORKER_STOP_SECONDS = 15
"""How long a worker may take to finish its requests before it is killed."""

# Without Granian's handlers, which write to standard output, its records reach ours.
_GRANIAN_LOGGING = {"handlers": {}, "formatters": {}, "loggers": {"_granian": {"propagate": True}}}


def http_server(create_app: str, listen: str, workers: int) -> MPServer:
    """Return a server whose `serve` returns after SIGTERM or SIGINT, when requests have ended.

    The process ends within 25 seconds, even if a request or the clean-up hangs.

    Args:
        create_app: Where each worker process finds the function that creates the ASGI
            application: `module:function`.
        listen: The address to listen on, host:port.
        workers: The number of worker processes. Crashed ones are replaced.
    """
    host, port = host_and_port(listen)
    server = MPServer(
        create_app,
        factory=True,
        address=host,
        port=port,
        interface=Interfaces.ASGI,
        loop=Loops.auto,
        http=HTTPModes.http1,
        websockets=False,
        workers=workers,
        workers_kill_timeout=_WORKER_STOP_SECONDS,
        respawn_failed_workers=True,
        # An access log would contain addresses, user agents, tokens and searched names.
        log_access=False,
        log_dictconfig=_GRANIAN_LOGGING,
    )
    server.on_startup(lambda: end_on_signals(server))
    return server


def stop_with_parent() -> None:
    """Shut a worker down gracefully, but in time, when the main process ends or is killed."""
    parent = multiprocessing.parent_process()
    if parent is not None:

        def wait() -> None:
            parent.join()
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(_WORKER_STOP_SECONDS)
            os._exit(1)

        threading.Thread(target=wait, name="parent", daemon=True).start()
