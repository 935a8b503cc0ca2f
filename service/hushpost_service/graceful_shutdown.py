"""The signal that the process is to stop: no more calls begin, those begun end."""

import asyncio
from collections.abc import Coroutine
from typing import Any

from hushpost_runtime.waiting import wait_for_event
from hushpost_service.domain.errors import HushpostError, Reason

__all__ = ["GracefulShutdown"]


class GracefulShutdown:
    """Set once, when the process is to stop."""

    def __init__(self) -> None:
        self._begun = asyncio.Event()
        self._idle = asyncio.Event()
        self._calls = 0

    def begin(self) -> None:
        """Stop."""
        self._begun.set()

    def __enter__(self) -> None:
        """Begin a call. Raises SHUTTING_DOWN when the process is to stop."""
        if self._begun.is_set():
            raise _shutting_down()
        self._calls += 1

    def __exit__(self, *_: object) -> None:
        """End a call that was begun."""
        self._calls -= 1
        if self._calls == 0 and self._begun.is_set():
            self._idle.set()

    async def idle(self, seconds: float) -> None:
        """Return when no call is under way, or after that time."""
        if self._calls:
            await wait_for_event(self._idle, seconds)

    async def begun(self) -> None:
        """Return when the process is to stop."""
        await self._begun.wait()

    async def or_after(self, waited: Coroutine[Any, Any, None]) -> None:
        """Return when `waited` does. Raises SHUTTING_DOWN as soon as the process is to stop."""
        waiting = asyncio.create_task(waited)
        begun = asyncio.create_task(self.begun())
        try:
            await asyncio.wait((waiting, begun), return_when=asyncio.FIRST_COMPLETED)
        finally:
            waiting.cancel()
            begun.cancel()
        if self._begun.is_set():
            raise _shutting_down()


def _shutting_down() -> HushpostError:
    return HushpostError(Reason.SHUTTING_DOWN, "the authority is shutting down")
