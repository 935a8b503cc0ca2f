"""Appends events to a spool file, and tells when they are on disk.

Whatever arrives while a commit is under way forms the next one, so that many
readers share the wait for the disk.
"""

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from queue import SimpleQueue

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
    """Appends to one spool file, of which it takes at most `limit` bytes.

    The file is written in a thread of its own. An executor would do, but its
    futures and locks took as long as the judging of all the group's events.
    """

    def __init__(self, spool: Spool, limit: int) -> None:
        self._spool = spool
        self._limit = limit
        self._loop = asyncio.get_running_loop()
        self._used = spool.used_bytes()
        self._is_full = False
        self._refused = 0
        self._group = self._new_group(spool.next_serial())
        self._is_writing = False
        self._idle = asyncio.Event()
        self._idle.set()
        self._work: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._work_on, name="spool", daemon=True)
        self._thread.start()
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
        self._work.put(None)
        self._thread.join()

    def _new_group(self, first: int) -> _Group:
        return _Group(first, self._loop.create_future())

    def _write(self) -> None:
        group = self._group
        self._group = self._new_group(self.next_serial)
        patience = self._loop.call_later(_PATIENCE_SECONDS, _settle, group)
        self._work.put(partial(self._put_on_disk, group, patience))

    def _written(
        self, group: _Group, patience: asyncio.TimerHandle, error: Exception | None
    ) -> None:
        patience.cancel()
        _settle(group)
        if error is None:
            metrics.spooled(group.verdicts)
            self._measured(self._used + len(group.verdicts) * RECORD_BYTES)
        else:
            metrics.REFUSED.labels("disk").inc(len(group.verdicts))
            _log.error("events not spooled", cause=_cause(error), events=len(group.verdicts))
        if self._group.verdicts:
            self._write()
        else:
            self._is_writing = False
            self._idle.set()

    async def _measure_forever(self) -> None:
        """See what the courier has made free; sums of what is appended only go up."""
        while True:
            await asyncio.sleep(_MEASURE_SECONDS)
            self._note_refused()
            self._work.put(self._measure)

    def _measured(self, used: int) -> None:
        self._used = used
        self._is_full = used >= self._limit

    def _note_refused(self) -> None:
        if self._refused:
            metrics.REFUSED.labels("full").inc(self._refused)
            _log.error("events refused, the spool is full", events=self._refused)
            self._refused = 0

    # In the thread:

    def _work_on(self) -> None:
        while (work := self._work.get()) is not None:
            work()

    def _put_on_disk(self, group: _Group, patience: asyncio.TimerHandle) -> None:
        failure = None
        try:
            self._spool.append(group.first, bytes(group.events), group.corrections)
        except Exception as error:  # noqa: BLE001 - readers wait for an end, whichever
            failure = error
        self._loop.call_soon_threadsafe(self._written, group, patience, failure)

    def _measure(self) -> None:
        try:
            used = self._spool.used_bytes()
        except sqlite3.Error as error:
            _log.error("spool not readable", cause=_cause(error))
        else:
            self._loop.call_soon_threadsafe(self._measured, used)


def _settle(group: _Group) -> None:
    if not group.settled.done():
        group.settled.set_result(None)


def _cause(error: Exception) -> str:
    return getattr(error, "sqlite_errorname", type(error).__name__)
