"""Open-loop load: calls are due at fixed intervals, whether or not earlier ones have returned.

A closed-loop generator sends less whenever the server is slow, and so leaves out the
worst latencies (coordinated omission). Here a latency starts when the call is due,
even if it could only be sent later.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

import grpc

from bench.load.call_results import OK, CallResult, CallResults

__all__ = ["send_at_rate"]

T = TypeVar("T")

_MAX_IN_FLIGHT = 20_000
"""Bounds the memory of the load generator."""


async def send_at_rate(
    send: Callable[[T], Awaitable[object]], items: Iterable[T], rate: float
) -> CallResults:
    """Send `rate` items per second and return once every call has ended."""
    calls: list[CallResult] = []
    in_flight = asyncio.Semaphore(_MAX_IN_FLIGHT)
    start = time.perf_counter()

    async def call(item: T, due: float) -> None:
        try:
            await send(item)
        except grpc.aio.AioRpcError as error:
            status = error.code().name
        else:
            status = OK
        finally:
            in_flight.release()
        calls.append(CallResult(due, time.perf_counter() - start, status))

    async with asyncio.TaskGroup() as group:
        for place, item in enumerate(items):
            due = place / rate
            # Sleeps for 0 seconds when late, so that responses are still processed.
            await asyncio.sleep(max(due + start - time.perf_counter(), 0))
            await in_flight.acquire()
            group.create_task(call(item, due))
        sending_seconds = time.perf_counter() - start
    return CallResults(calls, sending_seconds)
