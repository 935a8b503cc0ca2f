"""Repeats calls after the database's clock has jumped to another week, and back.

Request ids are stored by week (decision 3). A jump in the middle of a call and its repetition is
not simulated: within the two seconds until the authorities follow, both may count.
"""

import asyncio
import json
from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from pathlib import Path

from google.protobuf.message import Message

from tests.clocks import set_clock
from tests.inspection import on
from tests.waiting import until

from .cluster import Cluster
from .repeated_calls import RepeatedCalls
from .steps import ERASED

__all__ = ["repeat_in_another_week"]

_SHIFT = timedelta(days=8)
_CONCURRENT = 16


async def repeat_in_another_week(cluster: Cluster, calls: RepeatedCalls) -> None:
    """Repeat all acknowledged calls eight days later, and again after the jump back.

    Leaves out those that would create an erased contact anew, as they may. All clocks must be
    right, and no call in progress.
    """
    repeated = [call for call in calls.acknowledged if not _creates_erased(call[1])]
    for shift in (_SHIFT, timedelta()):
        await _jump(cluster, shift)
        limit = asyncio.Semaphore(_CONCURRENT)
        await asyncio.gather(*(calls.repeat(call, limit) for call in repeated))


def _creates_erased(request: Message) -> bool:
    """Whether a request issues tokens to an erased contact."""
    return not set(getattr(request, "contact_ids", ())).isdisjoint(ERASED)


async def _jump(cluster: Cluster, shift: timedelta) -> None:
    """Set the database's clock, and wait until both authorities have followed."""
    logs = [part.process.log_file for part in cluster.authorities]
    sizes = [log.stat().st_size for log in logs]
    async with on(cluster.postgres.url) as connection:
        await set_clock(connection, shift)
    for log, size in zip(logs, sizes, strict=True):
        await until(partial(_has_jumped, log, size, forward=bool(shift)))


def _has_jumped(log: Path, start: int, *, forward: bool) -> bool:
    """Whether a log tells of a jump in a direction since it had a size."""
    return any((seconds > 0) is forward for seconds in _jumps(log.read_bytes()[start:]))


def _jumps(log: bytes) -> Sequence[float]:
    entries = [json.loads(line) for line in log.splitlines() if b"database clock jumped" in line]
    return [entry["seconds"] for entry in entries]
