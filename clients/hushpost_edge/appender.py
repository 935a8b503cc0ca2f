"""Appends events to a spool file with group commit.

Events that arrive during a commit share the next one, so that many requests share one
fsync. While the spool cannot be opened, or has no room, events are dropped and counted, and
requests are served all the same.
"""

import asyncio
import sqlite3
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from queue import SimpleQueue
from typing import NamedTuple

import structlog

from hushpost_client import Verdict
from hushpost_edge import metrics
from hushpost_edge.event_reasons import Reason
from hushpost_edge.reserve import DiskFullError
from hushpost_edge.spool import Spool
from hushpost_edge.spooled_event import RECORD_BYTES, SpooledEvent, pack
from hushpost_edge.sqlite import error_name

__all__ = ["Appender", "Refusal"]

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
    causes: list[tuple[Verdict, Reason]] = field(default_factory=list)


class _State(NamedTuple):
    """The state of the spool file, seen from the thread that writes it.

    Attributes:
        used: The size of the content.
        first: The serial number of the next event, if the file has just been opened.
        failure: Why no event can be written, None if they can.
    """

    used: int = 0
    first: int | None = None
    failure: str | None = None


class Refusal(StrEnum):
    """Why events are dropped: the size limit is reached, or the disk is full or fails."""

    FULL = "full"
    DISK = "disk"


class Appender:
    """Appends events to one spool file, up to a size limit in bytes.

    A dedicated thread writes the file. An executor would do the same, but its futures
    and locks take as long as classifying all events of a group.

    Args:
        open_spool: Opens the file. If it raises sqlite3.Error or OSError, it is called again,
            four times a second.
        limit: The greatest size of the content.
    """

    def __init__(self, open_spool: Callable[[], AbstractContextManager[Spool]], limit: int) -> None:
        self._open_spool = open_spool
        self._opened = ExitStack()
        self._spool: Spool | None = None
        self._limit = limit
        self._loop = asyncio.get_running_loop()
        self._used = 0
        self._refusal: Refusal | None = None
        self._failure: str | None = None
        self._dropped: Counter[Refusal] = Counter()
        self._group = self._new_group(0)
        self._is_writing = False
        self._idle = asyncio.Event()
        self._idle.set()
        self._jobs: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._set_state(self._inspect())
        self._thread = threading.Thread(target=self._run_jobs, name="spool", daemon=True)
        self._thread.start()
        self._measuring = asyncio.create_task(self._measure_forever())

    @property
    def next_serial(self) -> int:
        """The serial number of the next event."""
        return self._group.first + len(self._group.causes)

    @property
    def refusal(self) -> Refusal | None:
        """Why events are dropped at the moment; None if they are not."""
        return self._refusal

    def append(
        self, event: SpooledEvent, reason: Reason, corrections: Sequence[int] = ()
    ) -> asyncio.Future[None] | None:
        """Append an event.

        Args:
            event: The event.
            reason: The rule that decided its verdict.
            corrections: The serial numbers of earlier events whose verdict becomes
                SCANNER.

        Returns:
            A future that is done when the event is on disk or writing it has failed;
            None if the event is dropped, see `refusal`.
        """
        if self._refusal is not None:
            self._dropped[self._refusal] += 1
            return None
        group = self._group
        group.events += pack(event)
        group.causes.append((event.verdict, reason))
        group.corrections += corrections
        self._start_writing()
        return group.done

    def correct(self, serials: list[int]) -> None:
        """Make the verdict of earlier events SCANNER, by their serial numbers."""
        if self._refusal is not Refusal.DISK:
            self._group.corrections += serials
            self._start_writing()

    async def close(self) -> None:
        """Write the pending events and stop the thread."""
        self._measuring.cancel()
        await self._idle.wait()
        self._report_dropped()
        self._jobs.put(None)
        self._thread.join()
        self._opened.close()

    def _new_group(self, first: int) -> _Group:
        return _Group(first, self._loop.create_future())

    def _start_writing(self) -> None:
        if not self._is_writing:
            self._is_writing = True
            self._idle.clear()
            # Deferred, so that other requests of this loop iteration join the group.
            self._loop.call_soon(self._write_group)

    def _write_group(self) -> None:
        group = self._group
        # A group of corrections alone takes a number, too: rows are identified by the first.
        self._group = self._new_group(max(self.next_serial, group.first + 1))
        timeout = self._loop.call_later(_COMMIT_TIMEOUT_SECONDS, _set_done, group)
        self._jobs.put(partial(self._commit, group, timeout))

    def _on_commit(
        self, group: _Group, timeout: asyncio.TimerHandle, error: Exception | None
    ) -> None:
        timeout.cancel()
        _set_done(group)
        if error is None:
            metrics.count_commit(group.causes, len(group.corrections))
            self._used += len(group.causes) * RECORD_BYTES
            self._refusal = Refusal.FULL if self._used >= self._limit else None
        else:
            # Until the file is inspected again, so that requests do not wait in vain.
            self._refusal = Refusal.DISK
            metrics.count_refused(Refusal.DISK, len(group.causes))
            _log.error(
                "writing to the spool failed; events dropped",
                cause=error_name(error),
                events=len(group.causes),
            )
        if self._group.causes or self._group.corrections:
            self._write_group()
        else:
            self._is_writing = False
            self._idle.set()

    async def _measure_forever(self) -> None:
        """Inspect the file regularly, because the uploader frees space in it."""
        while True:
            metrics.SPOOL_AVAILABLE.set(self._refusal is None)
            await asyncio.sleep(_MEASURE_SECONDS)
            self._report_dropped()
            self._jobs.put(self._measure)

    def _set_state(self, state: _State) -> None:
        if state.first is not None:
            self._group = self._new_group(state.first)
        if state.failure is not None:
            self._refusal = Refusal.DISK
            if state.failure != self._failure:
                _log.error("the spool has no room, or failed; will retry", cause=state.failure)
        else:
            self._used = state.used
            self._refusal = Refusal.FULL if state.used >= self._limit else None
            if self._failure is not None:
                _log.info("the spool has room again")
        self._failure = state.failure

    def _report_dropped(self) -> None:
        for refusal, events in self._dropped.items():
            metrics.count_refused(refusal, events)
            _log.error("events dropped", cause=refusal.value, events=events)
        self._dropped.clear()

    # The following methods run in the thread.

    def _run_jobs(self) -> None:
        while (job := self._jobs.get()) is not None:
            job()

    def _commit(self, group: _Group, timeout: asyncio.TimerHandle) -> None:
        failure = None
        try:
            if self._spool is None:  # events are refused before it is opened
                raise DiskFullError
            self._spool.append(group.first, bytes(group.events), group.corrections)
        except Exception as error:  # noqa: BLE001 - requests wait for the outcome
            failure = error
        self._loop.call_soon_threadsafe(self._on_commit, group, timeout, failure)

    def _measure(self) -> None:
        self._loop.call_soon_threadsafe(self._set_state, self._inspect())

    def _inspect(self) -> _State:
        """Open the file if it is not open, make room if there is none, and measure it."""
        first = None
        try:
            spool = self._spool
            if spool is None:
                spool, first = self._open()
            if not spool.has_room():
                return _State(first=first, failure=DiskFullError.__name__)
            spool.limit_growth()
            return _State(spool.used_bytes(), first)
        except (sqlite3.Error, OSError) as error:
            return _State(first=first, failure=error_name(error))

    def _open(self) -> tuple[Spool, int]:
        """Open the file; return it, and the serial number of the next event."""
        with ExitStack() as opened:
            spool = opened.enter_context(self._open_spool())
            first = spool.next_serial()
            self._spool, self._opened = spool, opened.pop_all()
        return spool, first


def _set_done(group: _Group) -> None:
    if not group.done.done():
        group.done.set_result(None)
