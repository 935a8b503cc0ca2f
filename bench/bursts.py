"""Bursts of batches: more than the authority can take, and then half of what it can."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

from bench.load import rate
from bench.prepared import BATCH, Prepared
from bench.results import percentile
from bench.schedule import OK, Answer, Answers, at_rate

__all__ = ["AFTER_SECONDS", "BURST_SECONDS", "Burst", "Bursts"]

BURST_SECONDS = 6.0
_CALM_SECONDS = 2.0
AFTER_SECONDS = 8.0
"""A recovery that takes longer is not waited for."""

_IN_FLIGHT = 16
_PEAK_BATCHES = 150
_RAMP = 0.2
"""So much of a burst passes before its throughput is looked at: the queue fills."""

_BUCKET_SECONDS = 0.25
_WELL_BUCKETS = 4
_AGAIN = 2.0
"""Latencies are back where the median of a quarter of a second is at most twice the calm one."""

_REFUSED = "RESOURCE_EXHAUSTED"


@dataclass(frozen=True, slots=True)
class Burst:
    """What came of a burst; all times in seconds.

    `throughput` is of events a second that were recorded while it lasted,
    `refused` the share of calls that were refused, `lost` of those that got no
    answer of either kind in time. `busy` is the share of one processor that the
    load generator had.
    """

    peak: float
    due: float
    throughput: float
    refused: float
    lost: float
    busy: float
    refusal_p99: float
    recorded_p99: float
    recovery: float
    memory: float


class Bursts:
    """Sends batches of one campaign, and knows how many events were recorded.

    Of those in `unknown` nobody was told: they may have been.
    """

    def __init__(self, prepared: Prepared) -> None:
        self._prepared = prepared
        self.recorded = 0
        self.unknown = 0

    async def peak(self) -> float:
        """Return events per second as fast as answers come."""
        events = _PEAK_BATCHES * BATCH
        self.recorded += events
        batches = self._prepared.batches(_PEAK_BATCHES)
        return await rate(self._prepared.record, batches, events, _IN_FLIGHT)

    async def burst(self, multiple: float, memory: Callable[[], float]) -> Burst:
        """Look at the peak and at a calm time, send a multiple of the peak, then half of it."""
        peak = await self.peak()
        calm = await self._at(peak / 2, _CALM_SECONDS)
        start, busy = time.perf_counter(), time.process_time()
        async with asyncio.TaskGroup() as group:
            overload = group.create_task(self._at(peak * multiple, BURST_SECONDS))
            await asyncio.sleep(BURST_SECONDS)
            busy = (time.process_time() - busy) / (time.perf_counter() - start)
            after = group.create_task(self._at(peak / 2, AFTER_SECONDS))
        answers = overload.result()
        statuses = answers.statuses
        count = statuses.total()
        return Burst(
            peak=peak,
            due=count * BATCH / max(answers.sent_seconds, BURST_SECONDS),
            throughput=_throughput(answers),
            refused=statuses[_REFUSED] / count,
            lost=(count - statuses[_REFUSED] - statuses[OK]) / count,
            busy=busy,
            refusal_p99=answers.percentile(0.99, _REFUSED),
            recorded_p99=answers.percentile(0.99),
            recovery=_recovery(after.result(), calm),
            memory=memory(),
        )

    async def _at(self, events_a_second: float, seconds: float) -> Answers:
        batches_a_second = events_a_second / BATCH
        part = self._prepared.batches(round(batches_a_second * seconds))
        answers = await at_rate(self._prepared.record, part, batches_a_second)
        statuses = answers.statuses
        self.recorded += statuses[OK] * BATCH
        self.unknown += (statuses.total() - statuses[OK] - statuses[_REFUSED]) * BATCH
        return answers


def _throughput(answers: Answers) -> float:
    """Return events per second that were recorded once the queue was full."""
    start = BURST_SECONDS * _RAMP
    recorded = sum(
        answer.status == OK and start < answer.answered <= BURST_SECONDS
        for answer in answers.answers
    )
    return recorded * BATCH / (BURST_SECONDS - start)


def _recovery(after: Answers, calm: Answers) -> float:
    """Return the seconds until a whole one begins that is as in calm times, nothing refused.

    What disturbs the machine later on is not the burst's doing.
    """
    limit = _AGAIN * calm.percentile(0.5)
    buckets: dict[int, list[Answer]] = {}
    for answer in after.answers:
        buckets.setdefault(int(answer.due / _BUCKET_SECONDS), []).append(answer)
    unwell = {
        bucket
        for bucket, answers in buckets.items()
        if any(answer.status != OK for answer in answers)
        or percentile([answer.seconds for answer in answers], 0.5) > limit
    }
    last = max(buckets, default=0) - _WELL_BUCKETS + 1
    well = (
        start for start in range(last + 1) if unwell.isdisjoint(range(start, start + _WELL_BUCKETS))
    )
    return next(well, AFTER_SECONDS / _BUCKET_SECONDS) * _BUCKET_SECONDS
