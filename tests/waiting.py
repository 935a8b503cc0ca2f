"""Waits for changes that other processes make, by polling."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

__all__ = ["eventually", "until"]

POLL_SECONDS = 0.05

T = TypeVar("T")


async def until(condition: Callable[[], bool], seconds: float = 20) -> None:
    """Wait until a condition is true. Raises TimeoutError."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - no event is set for these conditions
            await asyncio.sleep(POLL_SECONDS)


async def eventually(read: Callable[[], Awaitable[T]], expected: T, seconds: float = 30) -> None:
    """Read a value until it is as expected; else fail with the last value."""
    deadline = time.monotonic() + seconds
    while (value := await read()) != expected:
        assert time.monotonic() < deadline, f"{value} is not {expected}"
        await asyncio.sleep(POLL_SECONDS)
