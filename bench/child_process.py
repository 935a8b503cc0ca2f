"""Runs a measurement in a child process, so that load generation and CLI share no GIL."""

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

from bench.authority import Authority
from bench.results import Result

__all__ = ["Measure", "MeasurementFailedError", "ReportProgress", "run_in_child"]

_STOP_SECONDS = 20
"""Time for the child to stop the servers that it started, before it is killed."""

ReportProgress = Callable[[str], None]
"""Shows a line about the current step to the user."""

Measure = Callable[[Authority, ReportProgress], Coroutine[Any, Any, list[Result]]]


class MeasurementFailedError(Exception):
    """A measurement raised an exception, died or timed out."""


def run_in_child(
    measure: Measure, authority: Authority, report_progress: ReportProgress, timeout: float
) -> list[Result]:
    """Run a module-level function in a new process.

    Raises:
        MeasurementFailedError: It failed, or took longer than `timeout` seconds.
    """
    # gRPC logs a warning at each fork once the process has a channel. It reads this at import.
    os.environ.setdefault("GRPC_VERBOSITY", "ERROR")
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_child_main, args=(theirs, measure, authority), daemon=True)
    process.start()
    theirs.close()
    try:
        return _wait_for_results(ours, report_progress, time.monotonic() + timeout)
    finally:
        process.terminate()
        process.join(_STOP_SECONDS)
        process.kill()
        ours.close()


def _wait_for_results(
    connection: "Connection[Any, Any]", report_progress: ReportProgress, deadline: float
) -> list[Result]:
    while connection.poll(max(deadline - time.monotonic(), 0)):
        try:
            kind, content = connection.recv()
        except EOFError:
            raise MeasurementFailedError("the child process died") from None
        if kind == "progress":
            report_progress(content)
        elif kind == "done":
            results: list[Result] = content
            return results
        else:
            raise MeasurementFailedError(content)
    raise MeasurementFailedError("timed out")


def _child_main(connection: "Connection[Any, Any]", measure: Measure, authority: Authority) -> None:
    # Ctrl-C reaches the whole process group; the parent terminates this process.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    gc.freeze()
    try:
        results = uvloop.run(
            _cancel_on_sigterm(measure(authority, lambda text: connection.send(("progress", text))))
        )
    except asyncio.CancelledError:
        return
    except Exception:  # noqa: BLE001 - sent to the parent
        connection.send(("failed", traceback.format_exc()))
    else:
        connection.send(("done", results))


async def _cancel_on_sigterm(work: Coroutine[Any, Any, list[Result]]) -> list[Result]:
    """Await `work`; SIGTERM cancels it, so that it stops the servers that it started."""
    task = asyncio.create_task(work)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    return await task
