"""The load generator: so many callers at a time, until all is sent."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

__all__ = ["rate"]

T = TypeVar("T")


async def rate(
    send: Callable[[T], Awaitable[object]], items: Iterable[T], count: int, callers: int
) -> float:
    """Send `items`, which make up `count`; return how many of these a second.

    From before the first call to after the last answer. The first failure ends
    it: lost work has no rate.
    """
    waiting = iter(items)

    async def caller() -> None:
        for item in waiting:
            await send(item)

    start = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for _ in range(callers):
            group.create_task(caller())
    return count / (time.perf_counter() - start)
