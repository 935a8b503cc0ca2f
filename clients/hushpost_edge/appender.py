"""Appends events to a spool file, and tells when they are on disk.

Whatever arrives while a commit is under way forms the next one, so that many
readers share the wait for the disk.
"""

import asyncio
import sqlite3
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial

import structlog

from hushpost_client import Verdict
from hushpost_edge import metrics
from hushpost_edge.record import RECORD_BYTES, SpooledEvent, pack
from hushpost_edge.spool import Spool

__all__ = ["Appender"]

_log = structlog.get_logger(__name__)

_MEASURE_SECONDS = 0.25
_PATIENCE_SECONDS = 5.0
"""How long readers wait for a disk that hangs: they get their redirect in any case."""


@dataclass(slots=True, eq=False)
class _Group:
    """Events of one commit. `settled` is done when their readers need not wait any more."""

    first: int
    settled: asyncio.Future[None]
    events: bytearray = field(default_factory=bytearray)
    corrections: list[int] = field(default_factory=list)
    verdicts: list[Verdict] = field(default_factory=list)


class Appender:
    """Appends to one spool file, of which it takes at most `limit` bytes."""

    def __init__(self, spool: Spool, limit: int) -> None:
        self._spool = spool
        self._limit = limit
        self._loop = asyncio.get_running_loop()
        self._thread = ThreadPoolExecutor(1, "spool")
        self._used = spool.used_bytes()
        self._is_full = False
        self._refused = 0
        self._group = self._new_group(spool.next_serial())
        self._is_writing = False
        self._idle = asyncio.Event()
        self._idle.set()
        self._measuring = asyncio.create_task(self._measure_forever())

    @property
    def next_serial(self) -> int:
        """The serial number that the next event gets."""
        return self._group.first + len(self._group.verdicts)

    @property
    def is_full(self) -> bool:
        """Whether events are refused at present."""
        return self._is_full

    def append(
        self, event: SpooledEvent, corrections: list[int] | None = None
    ) -> asyncio.Future[None] | None:
        """Take an event; the answer is done when it is on disk. None: refused, full.

        `corrections` are the serial numbers of earlier events that turned out
        to be a scanner's.
        """
        if self._is_full:
            self._refused += 1
            return None
        group = self._group
        group.events += pack(event)
        group.verdicts.append(event.verdict)
        if corrections:
            group.corrections += corrections
        if not self._is_writing:
            self._is_writing = True
            self._idle.clear()
            # Not at once: other requests of this turn of the loop come along.
            self._loop.call_soon(self._write)
        return group.settled

    async def close(self) -> None:
        """Put on disk what was taken."""
        self._measuring.cancel()
        await self._idle.wait()
        self._note_refused()
        self._thread.shutdown()

    def _new_group(self, first: int) -> _Group:
        return _Group(first, self._loop.create_future())

    def _write(self) -> None:
        group = self._group
        self._group = self._new_group(self.next_serial)
        patience = self._loop.call_later(_PATIENCE_SECONDS, _settle, group)
        written = self._loop.run_in_executor(
            self._thread, self._spool.append, group.first, bytes(group.events), group.corrections
        )
        written.add_done_callback(partial(self._written, group, patience))

    def _written(
        self, group: _Group, patience: asyncio.TimerHandle, written: asyncio.Future[None]
    ) -> None:
        patience.cancel()
        _settle(group)
        error = written.exception()
        if error is None:
            self._count(group)
        else:
            metrics.REFUSED.labels("disk").inc(len(group.verdicts))
            _log.error("events not spooled", cause=_cause(error), events=len(group.verdicts))
        if self._group.verdicts:
            self._write()
        else:
            self._is_writing = False
            self._idle.set()

    def _count(self, group: _Group) -> None:
        metrics.COMMIT_EVENTS.observe(len(group.verdicts))
        for verdict, number in Counter(group.verdicts).items():
            metrics.EVENTS.labels(verdict).inc(number)
        self._used += len(group.verdicts) * RECORD_BYTES
        self._is_full = self._used >= self._limit

    async def _measure_forever(self) -> None:
        """See what the courier has made free; the sums of `_count` only go up."""
        while True:
            await asyncio.sleep(_MEASURE_SECONDS)
            self._note_refused()
            try:
                self._used = await self._loop.run_in_executor(self._thread, self._spool.used_bytes)
            except sqlite3.Error as error:
                _log.error("spool not readable", cause=_cause(error))
            self._is_full = self._used >= self._limit

    def _note_refused(self) -> None:
        if self._refused:
            metrics.REFUSED.labels("full").inc(self._refused)
            _log.error("events refused, the spool is full", events=self._refused)
            self._refused = 0


def _settle(group: _Group) -> None:
    if not group.settled.done():
        group.settled.set_result(None)


def _cause(error: BaseException) -> str:
    return getattr(error, "sqlite_errorname", type(error).__name__)
