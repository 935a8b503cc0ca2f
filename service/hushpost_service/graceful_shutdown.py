"""Graceful shutdown: rejects new calls and waits for those in progress."""

import asyncio
import os
import threading
from collections.abc import Coroutine
from typing import Any

import structlog

from hushpost_runtime.waiting import wait_for_event
from hushpost_service.domain.errors import HushpostError, Reason

__all__ = ["GracefulShutdown", "exit_after"]

_log = structlog.get_logger(__name__)


class GracefulShutdown:
    """Tracks the calls in progress, and whether shutdown has begun.

    Use it as a context manager around each call.
    """

    def __init__(self) -> None:
        self._begun = asyncio.Event()
        self._idle = asyncio.Event()
        self._calls = 0

    def begin(self) -> None:
        """Begin the shutdown: reject calls from now on."""
        self._begun.set()

    def __enter__(self) -> None:
        """Start a call. Raises SHUTTING_DOWN if shutdown has begun."""
        if self._begun.is_set():
            raise _shutting_down()
        self._calls += 1

    def __exit__(self, *_: object) -> None:
        """End a call."""
        self._calls -= 1
        if self._calls == 0 and self._begun.is_set():
            self._idle.set()

    async def wait_idle(self, timeout: float) -> None:
        """Wait until no call is in progress, for at most `timeout` seconds."""
        if self._calls:
            await wait_for_event(self._idle, timeout)

    async def wait_begun(self) -> None:
        """Wait until shutdown begins."""
        await self._begun.wait()

    async def run_until_shutdown(self, work: Coroutine[Any, Any, None]) -> None:
        """Run `work`, but cancel it and raise SHUTTING_DOWN as soon as shutdown begins."""
        task = asyncio.create_task(work)
        begun = asyncio.create_task(self.wait_begun())
        try:
            await asyncio.wait((task, begun), return_when=asyncio.FIRST_COMPLETED)
        finally:
            task.cancel()
            begun.cancel()
        if self._begun.is_set():
            raise _shutting_down()


def exit_after(seconds: float) -> None:
    """Exit with code 1 if the process has not ended by then, for example because the database hangs.

    As after `kill -9`, what was acknowledged is committed, and an embedded database continues
    until the next start.
    """

    def end() -> None:
        _log.critical("stopping takes too long; exiting")
        os._exit(1)

    limit = threading.Timer(seconds, end)
    limit.daemon = True
    limit.start()


def _shutting_down() -> HushpostError:
    return HushpostError(Reason.SHUTTING_DOWN, "the authority is shutting down")
