"""Makes an opt-out take equally long, whether or not the contact had acted.

Anonymizing the events of a contact takes milliseconds longer than finding none. Someone
who may set preferences could measure that. So the time is rounded up to a multiple of a
step that is longer than the usual work. Work that takes longer continues into the next
step: a call returns only when it is done.

The time counts from the start of anonymizing, not of the call. Otherwise someone could
delay the call, for example by locking the contact's row, until the difference decides in
which step it ends.
"""

import asyncio
import math
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

__all__ = ["TimeSteps"]


class TimeSteps:
    """Rounds up how long blocks of code take to multiples of `seconds`; 0 leaves them alone."""

    def __init__(
        self,
        seconds: float,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._seconds = seconds
        self._clock = clock
        self._sleep = sleep

    @asynccontextmanager
    async def whole(self) -> AsyncIterator[None]:
        """Run the block, then wait for the end of the step. An error is raised at once."""
        start = self._clock()
        yield
        if self._seconds:
            taken = self._clock() - start
            await self._sleep(math.ceil(taken / self._seconds) * self._seconds - taken)
