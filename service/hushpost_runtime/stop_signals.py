"""Ends the main process of an HTTP server after SIGTERM or SIGINT, within a time limit.

Granian's main thread waits for a lock, and its handlers of signals wake it up. That can fail:

- CPython runs handlers in the main thread only. If the kernel delivers a signal to another
  thread, as it often does after a SIGCONT, the main thread goes on waiting for the lock.
- Granian clears the event that the handler sets after it has looked at it.
- The handler takes a lock that the main thread may hold.

So a thread reads the signals from the wakeup file descriptor (`signal.set_wakeup_fd`), which
CPython writes to in whichever thread a signal arrives, and sets the event until the end.

The main process then sends SIGTERM to its workers, which drain their connections
(`ConnectionDrain`). SIGINT stops them at once: they get it if the main process got SIGINT (Ctrl-C
in a terminal), or a second signal.
"""

import multiprocessing
import os
import signal
import socket
import threading
import time
from contextlib import suppress
from typing import cast

import structlog
from granian.server import MPServer

__all__ = ["end_on_signals"]

_log = structlog.get_logger(__name__)

_STOP_SECONDS = 20
"""How long all of it may take after the drain. Container platforms kill a process 30 seconds
after SIGTERM."""

_NUMBERS = (signal.SIGTERM, signal.SIGINT)
_REPEAT_SECONDS = 0.1


def end_on_signals(server: MPServer, drain_seconds: float) -> None:
    """Replace the server's handlers; call this in the main thread, after it has set them.

    If the process has not ended 20 seconds after the drain, its workers are killed and it exits
    with code 1.
    """
    receiving, sending = socket.socketpair()
    sending.settimeout(0)
    signal.set_wakeup_fd(sending.fileno(), warn_on_full_buffer=False)
    for number in _NUMBERS:
        signal.signal(number, lambda *_: None)  # the default would end the process
    # The thread keeps both sockets open.
    threading.Thread(
        target=_end_on_signal,
        args=(server, drain_seconds, receiving, sending),
        name="signals",
        daemon=True,
    ).start()


def _end_on_signal(
    server: MPServer, drain_seconds: float, receiving: socket.socket, _sending: socket.socket
) -> None:
    while not (received := _stop_signals(receiving)):
        pass  # another signal
    limit = threading.Timer(drain_seconds + _STOP_SECONDS, _kill)
    limit.daemon = True
    limit.start()
    receiving.settimeout(0)
    is_draining = True
    while True:
        server.interrupt_signal = True
        server.main_loop_interrupt.set()
        # Meanwhile, the main thread notes that its workers end because it wants them to.
        time.sleep(_REPEAT_SECONDS)
        with suppress(BlockingIOError):
            received += _stop_signals(receiving)
        if is_draining and (signal.SIGINT in received or len(received) > 1):
            is_draining = False  # once: Granian's workers hang at the third signal
            _end_drain()


def _stop_signals(receiving: socket.socket) -> list[int]:
    return [number for number in receiving.recv(64) if number in _NUMBERS]


def _end_drain() -> None:
    for worker in multiprocessing.active_children():
        with suppress(ProcessLookupError):
            os.kill(cast("int", worker.pid), signal.SIGINT)


def _kill() -> None:
    _log.critical("stopping takes too long; killed")
    for worker in multiprocessing.active_children():
        worker.kill()
    os._exit(1)
