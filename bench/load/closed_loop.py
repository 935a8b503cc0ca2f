"""Closed-loop load: a fixed number of callers, each sending its next call after a response."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

__all__ = ["measure_throughput"]

T = TypeVar("T")


async def measure_throughput(
    send: Callable[[T], Awaitable[object]], items: Iterable[T], count: int, callers: int
) -> float:
    """Send all items, `callers` at a time, and return the throughput per second.

    Args:
        send: Sends one item and returns after the response.
        items: What to send.
        count: What the items amount to, for example events in all batches.
        callers: Number of concurrent callers.

    The first exception of `send` ends the measurement.
    """
    remaining = iter(items)

    async def run_caller() -> None:
        for item in remaining:
            await send(item)

    start = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for _ in range(callers):
            group.create_task(run_caller())
    return count / (time.perf_counter() - start)
