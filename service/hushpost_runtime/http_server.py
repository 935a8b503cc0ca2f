"""Granian, the HTTP server of the edge and of the dashboard."""

import asyncio
import math
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
from granian.server.embed import Server

from hushpost_runtime.addresses import host_and_port
from hushpost_runtime.stop_signals import end_on_signals

__all__ = ["before_shutdown", "embedded_server", "http_server", "stop_with_parent"]

_WORKER_STOP_SECONDS = 10
"""How long a worker may take to stop after the drain, before it is killed."""

# Without Granian's handlers, which write to standard output, its records reach ours.
_GRANIAN_LOGGING = {"handlers": {}, "formatters": {}, "loggers": {"_granian": {"propagate": True}}}


def http_server(create_app: str, listen: str, workers: int, drain_seconds: float) -> MPServer:
    """Return a server whose `serve` returns after SIGTERM or SIGINT, when requests have ended.

    The process ends within 20 seconds after the drain, even if a request or the clean-up hangs.

    Args:
        create_app: Where each worker process finds the function that creates the ASGI
            application: `module:function`.
        listen: The address to listen on, host:port.
        workers: The number of worker processes. Crashed ones are replaced.
        drain_seconds: How long the workers drain connections after SIGTERM, see
            `ConnectionDrain`. SIGINT, or a second signal, ends the drain.
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
        workers_kill_timeout=math.ceil(drain_seconds) + _WORKER_STOP_SECONDS,
        respawn_failed_workers=True,
        # An access log would contain addresses, user agents, tokens and searched names.
        log_access=False,
        log_dictconfig=_GRANIAN_LOGGING,
    )
    server.on_startup(lambda: end_on_signals(server, drain_seconds))
    return server


def embedded_server(app: Any, listen: str) -> Server:
    """Return a server whose coroutine `serve` runs in this process, until `stop` is called.

    Args:
        app: An ASGI application without lifespan events.
        listen: The address to listen on, host:port.
    """
    host, port = host_and_port(listen)
    return Server(
        app,
        address=host,
        port=port,
        interface=Interfaces.ASGINL,
        http=HTTPModes.http1,
        websockets=False,
        log_access=False,
        log_dictconfig=_GRANIAN_LOGGING,
    )


def stop_with_parent(drain_seconds: float) -> None:
    """Shut a worker down gracefully, but in time, when the main process ends or is killed."""
    parent = multiprocessing.parent_process()
    if parent is not None:

        def wait() -> None:
            parent.join()
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(drain_seconds + _WORKER_STOP_SECONDS)
            os._exit(1)

        threading.Thread(target=wait, name="parent", daemon=True).start()


def before_shutdown(end_streams: Callable[[], None]) -> None:
    """Call a function in the event loop when the worker stops, after the drain of connections.

    Granian waits for the responses in progress and then ends the lifespan of the application, so
    responses without end must end before. Call this in the lifespan, in the main thread: the
    handler of the event loop is in place then, and stays.
    """
    loop = asyncio.get_running_loop()
    handle = signal.getsignal(signal.SIGINT)

    def end_and_handle(number: int, frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(end_streams)
        if callable(handle):
            handle(number, frame)

    signal.signal(signal.SIGINT, end_and_handle)
    # As the event loop does: system calls are restarted.
    signal.siginterrupt(signal.SIGINT, False)  # noqa: FBT003
