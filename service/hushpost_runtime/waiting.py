"""Waits for asyncio events."""

import asyncio
from contextlib import suppress

__all__ = ["wait_for_event"]


async def wait_for_event(event: asyncio.Event, timeout: float) -> bool:
    """Wait until an event is set, at most `timeout` seconds; return whether it is set."""
    with suppress(TimeoutError):
        await asyncio.wait_for(event.wait(), timeout)
    return event.is_set()
