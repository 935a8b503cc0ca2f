"""Legitimate calls that go on during a fault, with their latencies and the gaps between them."""

import asyncio
import statistics
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from itertools import cycle, pairwise

from hushpost_client import Hushpost, HushpostError, Verdict

__all__ = ["SteadyCalls", "steady_calls"]

_PAUSE_SECONDS = 0.02
_TIMEOUT_SECONDS = 20


@dataclass
class SteadyCalls:
    """What was observed: the seconds of each call, and when calls were acknowledged."""

    latencies: list[float] = field(default_factory=list)
    acknowledged: list[float] = field(default_factory=list)

    @property
    def p99(self) -> float:
        """The 99th percentile of the latencies in seconds."""
        return statistics.quantiles(self.latencies, n=100)[98]

    @property
    def longest_gap(self) -> float:
        """The longest time in seconds in which no call was acknowledged."""
        return max(later - earlier for earlier, later in pairwise(self.acknowledged))


@asynccontextmanager
async def steady_calls(
    client: Hushpost, tokens: Sequence[str], callers: int
) -> AsyncIterator[SteadyCalls]:
    """Record opens, one call after the other per caller, until the block ends."""
    seen = SteadyCalls()
    tokens_in_turn = cycle(tokens)

    async def call() -> None:
        while True:
            start = time.monotonic()
            with suppress(HushpostError):
                await client.tracking.record_open(
                    next(tokens_in_turn), verdict=Verdict.HUMAN, timeout=_TIMEOUT_SECONDS
                )
                seen.acknowledged.append(time.monotonic())
            seen.latencies.append(time.monotonic() - start)
            await asyncio.sleep(_PAUSE_SECONDS)

    tasks = [asyncio.create_task(call()) for _ in range(callers)]
    try:
        yield seen
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
