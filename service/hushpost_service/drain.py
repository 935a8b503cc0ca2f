"""The signal that the process is to stop, for whatever would wait for long."""

import asyncio
from collections.abc import Coroutine
from typing import Any

from hushpost_service.errors import HushpostError, Reason

__all__ = ["Drain"]


class Drain:
    """Set once, when the process is to stop."""

    def __init__(self) -> None:
        self._begun = asyncio.Event()

    def begin(self) -> None:
        """Stop."""
        self._begun.set()

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
            raise HushpostError(Reason.SHUTTING_DOWN, "the authority is shutting down")
