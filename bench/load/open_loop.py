"""Open-loop load: calls are due at fixed intervals, whether or not earlier ones have returned.

A closed-loop generator sends less whenever the server is slow, and so leaves out the
worst latencies (coordinated omission). Here a latency starts when the call is due,
even if it could only be sent later.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

import grpc

from bench.results import percentile

__all__ = ["OK", "REJECTED", "CallResult", "CallResults", "send_at_rate"]

T = TypeVar("T")
OK = "OK"
REJECTED = "RESOURCE_EXHAUSTED"

_MAX_IN_FLIGHT = 20_000
"""Bounds the memory of the load generator."""


class CallResult(NamedTuple):
    """One call; times are in seconds since the start of the load."""

    due: float
    completed: float
    status: str

    @property
    def latency(self) -> float:
        """Seconds from when the call was due to its response."""
        return self.completed - self.due


@dataclass(frozen=True, slots=True)
class CallResults:
    """All calls of a load; the last one was sent `sending_seconds` after the start."""

    calls: Sequence[CallResult]
    sending_seconds: float

    def percentile(self, share: float, status: str = OK) -> float:
        """Return a latency percentile in seconds; 0 if no call ended with that status."""
        latencies = [call.latency for call in self.calls if call.status == status]
        return percentile(latencies, share) if latencies else 0

    @property
    def statuses(self) -> Counter[str]:
        """Number of calls by status."""
        return Counter(call.status for call in self.calls)

    @property
    def unknown(self) -> int:
        """Number of calls that were neither recorded nor rejected: either may have happened."""
        statuses = self.statuses
        return statuses.total() - statuses[OK] - statuses[REJECTED]

    def check(self) -> None:
        """Assert that every call succeeded."""
        assert set(self.statuses) == {OK}, f"calls failed: {self.statuses}"


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
