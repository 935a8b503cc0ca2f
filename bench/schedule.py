"""Load that comes when it is due, whether or not earlier calls have been answered.

A generator that waits for answers sends less just when the server is slow, and
leaves the worst latencies out (coordinated omission). Here the latency of a call
begins when it was due, whenever it could be sent.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

import grpc

from bench.results import percentile

__all__ = ["OK", "Answer", "Answers", "at_rate"]

T = TypeVar("T")
OK = "OK"

_IN_FLIGHT = 20_000
"""More calls are not sent before others are answered: the generator's memory is bounded."""


class Answer(NamedTuple):
    """What came of a call: due and answered so many seconds after the start, and its status."""

    due: float
    answered: float
    status: str

    @property
    def seconds(self) -> float:
        """The latency."""
        return self.answered - self.due


@dataclass(frozen=True, slots=True)
class Answers:
    """What came of all calls; `sent_seconds` is when the last one was sent."""

    answers: Sequence[Answer]
    sent_seconds: float

    def percentile(self, share: float, status: str = OK) -> float:
        """Return a latency in seconds; 0 where no call ended like that."""
        latencies = [answer.seconds for answer in self.answers if answer.status == status]
        return percentile(latencies, share) if latencies else 0

    @property
    def statuses(self) -> Counter[str]:
        """How many calls ended in which way."""
        return Counter(answer.status for answer in self.answers)

    def check(self) -> None:
        """Make sure that all calls succeeded."""
        assert set(self.statuses) == {OK}, f"calls failed: {self.statuses}"


async def at_rate(
    send: Callable[[T], Awaitable[object]], items: Iterable[T], rate: float
) -> Answers:
    """Send so many items a second; return once all are answered."""
    answers: list[Answer] = []
    room = asyncio.Semaphore(_IN_FLIGHT)
    start = time.perf_counter()

    async def call(item: T, due: float) -> None:
        try:
            await send(item)
        except grpc.aio.AioRpcError as error:
            status = error.code().name
        else:
            status = OK
        finally:
            room.release()
        answers.append(Answer(due, time.perf_counter() - start, status))

    async with asyncio.TaskGroup() as group:
        for place, item in enumerate(items):
            due = place / rate
            # Late, it gives others a turn all the same.
            await asyncio.sleep(max(due + start - time.perf_counter(), 0))
            await room.acquire()
            group.create_task(call(item, due))
        sent_seconds = time.perf_counter() - start
    return Answers(answers, sent_seconds)
