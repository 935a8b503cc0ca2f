"""Appends events to a spool file with group commit.

Events that arrive during a commit share the next one, so that many requests share one
fsync.
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
from hushpost_edge.spool import Spool
from hushpost_edge.spooled_event import RECORD_BYTES, SpooledEvent, pack

__all__ = ["Appender"]

_log = structlog.get_logger(__name__)

_MEASURE_SECONDS = 0.25
_COMMIT_TIMEOUT_SECONDS = 5.0
"""How long requests wait for a disk that hangs; then they are served all the same."""


@dataclass(slots=True, eq=False)
class _Group:
    """The events of one commit. `done` is set when their requests may be answered."""

    first: int
    done: asyncio.Future[None]
    events: bytearray = field(default_factory=bytearray)
    corrections: list[int] = field(default_factory=list)
    verdicts: list[Verdict] = field(default_factory=list)


class Appender:
    """Appends events to one spool file, up to a size limit in bytes.

    A dedicated thread writes the file. An executor would do the same, but its futures
    and locks take as long as classifying all events of a group.
    """

    def __init__(self, spool: Spool, limit: int) -> None:
        self._spool = spool
        self._limit = limit
        self._loop = asyncio.get_running_loop()
        self._used = spool.used_bytes()
        self._is_full = False
        self._dropped = 0
        self._group = self._new_group(spool.next_serial())
        self._is_writing = False
        self._idle = asyncio.Event()
        self._idle.set()
        self._jobs: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run_jobs, name="spool", daemon=True)
        self._thread.start()
        self._measuring = asyncio.create_task(self._measure_forever())

    @property
    def next_serial(self) -> int:
        """The serial number of the next event."""
        return self._group.first + len(self._group.verdicts)

    @property
    def is_full(self) -> bool:
        """Whether the size limit is reached, so that events are dropped."""
        return self._is_full

    def append(
        self, event: SpooledEvent, corrections: list[int] | None = None
    ) -> asyncio.Future[None] | None:
        """Append an event.

        Args:
            event: The event.
            corrections: The serial numbers of earlier events whose verdict becomes
                SCANNER.

        Returns:
            A future that is done when the event is on disk or writing it has failed;
            None if the spool is full and the event is dropped.
        """
        if self._is_full:
            self._dropped += 1
            return None
        group = self._group
        group.events += pack(event)
        group.verdicts.append(event.verdict)
        if corrections:
            group.corrections += corrections
        if not self._is_writing:
            self._is_writing = True
            self._idle.clear()
            # Deferred, so that other requests of this loop iteration join the group.
            self._loop.call_soon(self._write_group)
        return group.done

    async def close(self) -> None:
        """Write the pending events and stop the thread."""
        self._measuring.cancel()
        await self._idle.wait()
        self._report_dropped()
        self._jobs.put(None)
        self._thread.join()

    def _new_group(self, first: int) -> _Group:
        return _Group(first, self._loop.create_future())

    def _write_group(self) -> None:
        group = self._group
        self._group = self._new_group(self.next_serial)
        timeout = self._loop.call_later(_COMMIT_TIMEOUT_SECONDS, _set_done, group)
        self._jobs.put(partial(self._commit, group, timeout))

    def _on_commit(
        self, group: _Group, timeout: asyncio.TimerHandle, error: Exception | None
    ) -> None:
        timeout.cancel()
        _set_done(group)
        if error is None:
            metrics.count_commit(group.verdicts)
            self._set_used(self._used + len(group.verdicts) * RECORD_BYTES)
        else:
            metrics.count_refused("disk", len(group.verdicts))
            _log.error(
                "writing to the spool failed; events dropped",
                cause=_cause(error),
                events=len(group.verdicts),
            )
        if self._group.verdicts:
            self._write_group()
        else:
            self._is_writing = False
            self._idle.set()

    async def _measure_forever(self) -> None:
        """Measure the file regularly, because the uploader frees space in it."""
        while True:
            await asyncio.sleep(_MEASURE_SECONDS)
            self._report_dropped()
            self._jobs.put(self._measure)

    def _set_used(self, used: int) -> None:
        self._used = used
        self._is_full = used >= self._limit

    def _report_dropped(self) -> None:
        if self._dropped:
            metrics.count_refused("full", self._dropped)
            _log.error("spool full; events dropped", events=self._dropped)
            self._dropped = 0

    # The following methods run in the thread.

    def _run_jobs(self) -> None:
        while (job := self._jobs.get()) is not None:
            job()

    def _commit(self, group: _Group, timeout: asyncio.TimerHandle) -> None:
        failure = None
        try:
            self._spool.append(group.first, bytes(group.events), group.corrections)
        except Exception as error:  # noqa: BLE001 - requests wait for the outcome
            failure = error
        self._loop.call_soon_threadsafe(self._on_commit, group, timeout, failure)

    def _measure(self) -> None:
        try:
            used = self._spool.used_bytes()
        except sqlite3.Error as error:
            _log.error("measuring the spool failed", cause=_cause(error))
        else:
            self._loop.call_soon_threadsafe(self._set_used, used)


def _set_done(group: _Group) -> None:
    if not group.done.done():
        group.done.set_result(None)


def _cause(error: Exception) -> str:
    return getattr(error, "sqlite_errorname", type(error).__name__)
