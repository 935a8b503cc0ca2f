"""Sends the events of one spool to the authority."""

import asyncio
import random
import sqlite3
import time
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from hushpost_client import (
    DeadlineExceededError,
    HushpostError,
    RecordedEvents,
    ResourceExhaustedError,
    RetryPolicy,
    Tracking,
    UnavailableError,
)
from hushpost_edge import metrics
from hushpost_edge.rejections import reasons_that_may_pass
from hushpost_edge.spool import Batch, Spool
from hushpost_edge.spooled_event import to_event
from hushpost_edge.sqlite import error_name

if TYPE_CHECKING:
    from hushpost_runtime.traces import Traces

__all__ = ["Backlog", "Uploader"]

_log = structlog.get_logger(__name__)

_COLLECT_SECONDS = 0.5
"""Pause unless a batch is full. Without it, each batch would have the few events that became due while
the one before was sent, and a batch of a hundred events costs the authority as much as one of a thousand."""

_CALL_TIMEOUT_SECONDS = 30.0
_DISK_RETRY_SECONDS = 1.0
_CLEANUP_SECONDS = 10.0
"""Interval between clean-ups of the spool file."""

_TRANSIENT_ERRORS = (UnavailableError, DeadlineExceededError, ResourceExhaustedError)
"""Errors that go away on their own. Others need an operator, for example a revoked key."""

_BACKOFF = RetryPolicy(initial_backoff=0.25, max_backoff=2.0)
_OPERATOR_RETRY_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Backlog:
    """The size of a spool and the age of its oldest event."""

    bytes: int = 0
    oldest_seconds: float = 0.0


class Uploader:
    """Sends batch after batch, each until the authority accepts it.

    A batch is always sent under the same request id, so its events count exactly once.
    Events that are rejected for a reason that may pass are quarantined.
    """

    def __init__(
        self,
        spool: Spool,
        tracking: Tracking,
        quarantine_bytes: int,
        traces: "Traces | None" = None,
    ) -> None:
        self._spool = spool
        self._traces = traces
        self._tracking = tracking
        self._quarantine_bytes = quarantine_bytes
        self._failures = 0
        self._last_cleanup = time.monotonic()
        self._is_clean = False
        self.backlog = Backlog()

    async def run_forever(self) -> None:
        """Send batches as they become due, until cancelled."""
        while True:
            try:
                wait = await self._send_next()
                self.backlog = await asyncio.to_thread(self._measure)
            except (sqlite3.Error, OSError) as error:
                # If an accepted batch could not be dropped, it is sent again; its
                # request id makes it count once.
                _log.error("accessing the spool failed; will retry", cause=error_name(error))
                wait = _DISK_RETRY_SECONDS
            await asyncio.sleep(wait)

    async def _send_next(self) -> float:
        """Send a batch if one is due; return the seconds to wait before the next call."""
        batch = await asyncio.to_thread(self._spool.batch) if self._spool.is_readable else None
        if batch is None:
            await self._clean_up(is_idle=True)
            return _COLLECT_SECONDS
        try:
            recorded = await self._record(batch)
        except HushpostError as error:
            # In an outage, too, appends make the WAL grow by far more than the spool.
            await self._clean_up(is_idle=False)
            return self._report_failure(error, batch)
        self._failures = 0
        kept = reasons_that_may_pass(batch.events, recorded, self._spool.now())
        dropped = await asyncio.to_thread(self._spool.drop, batch, kept, self._quarantine_bytes)
        self._is_clean = False
        metrics.count_shipped(recorded.accepted_count)
        if batch.unreadable:
            metrics.count_refused("key", batch.unreadable)
            _log.error("the key of events is lost; dropped", events=batch.unreadable)
        if kept:
            _log.warning("events quarantined; will retry", events=len(kept) - dropped)
        if dropped:
            metrics.QUARANTINE_DROPPED_EVENTS.labels("full").inc(dropped)
            _log.error("quarantine full; events dropped", events=dropped)
        await self._clean_up(is_idle=False)
        return 0.0 if batch.is_full else _COLLECT_SECONDS

    async def _record(self, batch: Batch) -> RecordedEvents:
        if not batch.events:  # none can be decrypted
            return RecordedEvents(accepted_count=0, rejected=())
        traces = self._traces
        with nullcontext() if traces is None else traces.shipping(len(batch.events)):
            return await self._tracking.record_events(
                map(to_event, batch.events),
                request_id=batch.request_id,
                timeout=_CALL_TIMEOUT_SECONDS,
            )

    def _measure(self) -> Backlog:
        return Backlog(self._spool.used_bytes(), self._spool.oldest_seconds() or 0.0)

    def _report_failure(self, error: HushpostError, batch: Batch) -> float:
        """Log and count a failed call; return the seconds to wait before the next one."""
        self._failures += 1
        metrics.SHIP_FAILURES.labels(error.reason or "UNSPECIFIED").inc()
        cause, events = type(error).__name__, len(batch.events)
        if isinstance(error, _TRANSIENT_ERRORS):
            _log.warning(
                "shipping events failed; will retry",
                reason=error.reason,
                cause=cause,
                events=events,
                call_id=error.call_id,
            )
            return _BACKOFF.backoff(self._failures, error.retry_after, random.uniform)
        _log.error(
            "shipping events failed; will retry, but an operator must fix the cause",
            reason=error.reason,
            cause=cause,
            events=events,
            call_id=error.call_id,
        )
        return _OPERATOR_RETRY_SECONDS

    async def _clean_up(self, *, is_idle: bool) -> None:
        """Erase shipped events from the file: as soon as the spool is idle, and at intervals."""
        is_due = time.monotonic() - self._last_cleanup >= _CLEANUP_SECONDS
        if is_due or (is_idle and not self._is_clean):
            await asyncio.to_thread(self._spool.clean_up)
            self._last_cleanup = time.monotonic()
            self._is_clean = is_idle
