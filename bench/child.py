"""Runs work in a process of its own, so that load and orchestration share no core's time."""

import asyncio
import gc
import multiprocessing
import os
import signal
import time
import traceback
from collections.abc import Callable, Coroutine
from multiprocessing.connection import Connection
from typing import Any

import uvloop

from bench.results import Result
from bench.site import Site

__all__ = ["FailedError", "Say", "Work", "run"]

_END_SECONDS = 20
"""How long the work may take to end the servers that it has started."""

Say = Callable[[str], None]
"""Tells whoever waits what is being done."""

Work = Callable[[Site, Say], Coroutine[Any, Any, list[Result]]]


class FailedError(Exception):
    """The work came to no result."""


def run(work: Work, site: Site, say: Say, seconds: float) -> list[Result]:
    """Run a function of a module in a fresh process; end that after so many seconds."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_serve, args=(there, work, site), daemon=True)
    process.start()
    there.close()
    try:
        return _result(here, say, time.monotonic() + seconds)
    finally:
        process.terminate()
        process.join(_END_SECONDS)
        process.kill()
        here.close()


def _result(connection: "Connection[Any, Any]", say: Say, deadline: float) -> list[Result]:
    while connection.poll(max(deadline - time.monotonic(), 0)):
        try:
            kind, content = connection.recv()
        except EOFError:
            raise FailedError("the load generator died") from None
        if kind == "said":
            say(content)
        elif kind == "done":
            results: list[Result] = content
            return results
        else:
            raise FailedError(content)
    raise FailedError("it took too long")


def _serve(connection: "Connection[Any, Any]", work: Work, site: Site) -> None:
    # Ctrl-C reaches the whole group; whoever started this ends it in good order.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Else it mentions each start of another program, once there is a channel.
    os.environ["GRPC_VERBOSITY"] = "ERROR"
    gc.freeze()
    try:
        results = uvloop.run(_until_ended(work(site, lambda text: connection.send(("said", text)))))
    except asyncio.CancelledError:
        return
    except Exception:  # noqa: BLE001 - told to whoever waits
        connection.send(("failed", traceback.format_exc()))
    else:
        connection.send(("done", results))


async def _until_ended(work: Coroutine[Any, Any, list[Result]]) -> list[Result]:
    """Work; when ended from outside, leave as after a failure, so that servers are taken along."""
    task = asyncio.create_task(work)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    return await task
