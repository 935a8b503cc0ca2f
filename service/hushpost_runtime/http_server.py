"""Granian, the HTTP server of the edge and of the dashboard."""

import asyncio
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import Any

from granian.constants import HTTPModes, Interfaces, Loops
from granian.server import MPServer

from hushpost_runtime.addresses import host_and_port
from hushpost_runtime.stop_signals import end_on_signals

__all__ = ["before_shutdown", "http_server", "stop_with_parent"]

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


def before_shutdown(end_streams: Callable[[], None]) -> None:
    """Call a function in the event loop when the worker is asked to stop.

    Granian waits for the responses in progress and then ends the lifespan of the application, so
    responses without end must end before. Call this in the lifespan, in the main thread: the
    handlers of the event loop are in place then, and stay.
    """
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        handle = signal.getsignal(number)

        def end_and_handle(signum: int, frame: FrameType | None, handle: Any = handle) -> None:
            loop.call_soon_threadsafe(end_streams)
            if callable(handle):
                handle(signum, frame)

        signal.signal(number, end_and_handle)
        # As the event loop does: system calls are restarted.
        signal.siginterrupt(number, False)  # noqa: FBT003
