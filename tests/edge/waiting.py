"""Waiting for what other processes do in their own time."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

__all__ = ["eventually", "until"]

_STEP = 0.05

T = TypeVar("T")


async def until(condition: Callable[[], bool], seconds: float = 20) -> None:
    """Return once a condition holds."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - what is awaited sets no event
            await asyncio.sleep(_STEP)


async def eventually(look: Callable[[], Awaitable[T]], wanted: T, seconds: float = 30) -> None:
    """Return once looking finds what is wanted; fail with what was seen last."""
    deadline = time.monotonic() + seconds
    while (seen := await look()) != wanted:
        assert time.monotonic() < deadline, f"{seen} is not {wanted}"
        await asyncio.sleep(_STEP)
