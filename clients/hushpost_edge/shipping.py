"""Ships one spool to the authority, for ever."""

import asyncio
import random
import sqlite3
import time
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog

from hushpost_client import (
    DeadlineExceededError,
    Event,
    HushpostError,
    RecordedEvents,
    ResourceExhaustedError,
    RetryPolicy,
    Tracking,
    UnavailableError,
)
from hushpost_edge import metrics
from hushpost_edge.record import SpooledEvent
from hushpost_edge.spool import Batch, Spool
from hushpost_edge.token import text_of

__all__ = ["Load", "Shipping"]

_log = structlog.get_logger(__name__)

_IDLE_SECONDS = 0.5
_SHIP_SECONDS = 30.0
_DISK_SECONDS = 1.0
_TIDY_SECONDS = 10.0
"""How often the log of a spool that never runs empty is cut."""

_PASSING = (UnavailableError, DeadlineExceededError, ResourceExhaustedError)
"""Failures that pass by themselves. For others somebody has to do something."""

_BACKOFF = RetryPolicy(initial_backoff=0.25, max_backoff=5.0)
_SLOW_SECONDS = 30.0
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Load:
    """What a spool holds: bytes, and the age of its oldest event."""

    bytes: int = 0
    seconds: float = 0.0


class Shipping:
    """Ships batch after batch; a batch goes until it is taken, so that none is lost or doubled."""

    def __init__(self, spool: Spool, tracking: Tracking) -> None:
        self._spool = spool
        self._tracking = tracking
        self._failures = 0
        self._tidied = time.monotonic()
        self._is_tidy = False
        self.load = Load()

    async def forever(self) -> None:
        """Ship, and wait where there is nothing to ship."""
        while True:
            try:
                wait = await self._once()
                self.load = await asyncio.to_thread(self._measured)
            except sqlite3.Error as error:
                # A batch that was taken but not dropped is sent again, and
                # counts once for its request id.
                _log.error("spool failing", cause=error.sqlite_errorname)
                wait = _DISK_SECONDS
            await asyncio.sleep(wait)

    async def _once(self) -> float:
        """Ship a batch if one is due; return the seconds to wait."""
        batch = await asyncio.to_thread(self._spool.batch)
        if batch is None:
            await self._tidy(is_idle=True)
            return _IDLE_SECONDS
        try:
            outcome = await self._tracking.record_events(
                map(_event, batch.events), request_id=batch.request_id, timeout=_SHIP_SECONDS
            )
        except HushpostError as error:
            return self._failed(error, batch)
        self._failures = 0
        await asyncio.to_thread(self._spool.drop, batch)
        self._is_tidy = False
        _count(outcome)
        await self._tidy(is_idle=False)
        return 0.0

    def _measured(self) -> Load:
        return Load(self._spool.used_bytes(), self._spool.oldest_seconds() or 0.0)

    def _failed(self, error: HushpostError, batch: Batch) -> float:
        self._failures += 1
        metrics.SHIP_FAILURES.labels(error.reason or "UNSPECIFIED").inc()
        cause, events = type(error).__name__, len(batch.events)
        if isinstance(error, _PASSING):
            _log.warning("events wait", reason=error.reason, cause=cause, events=events)
            return _BACKOFF.backoff(self._failures, error.retry_after, random.uniform)
        _log.error(
            "events not taken, and kept: this needs somebody's attention",
            reason=error.reason,
            cause=cause,
            events=events,
        )
        return _SLOW_SECONDS

    async def _tidy(self, *, is_idle: bool) -> None:
        is_due = time.monotonic() - self._tidied >= _TIDY_SECONDS
        if is_due or (is_idle and not self._is_tidy):
            await asyncio.to_thread(self._spool.tidy)
            self._tidied = time.monotonic()
            self._is_tidy = is_idle


def _event(spooled: SpooledEvent) -> Event:
    token, link, time_, verdict, privacy_signal = spooled
    moment = _EPOCH + timedelta(microseconds=time_)
    return Event(
        text_of(token),
        link_number=link or None,
        event_time=moment,
        verdict=verdict,
        privacy_signal=privacy_signal,
    )


def _count(outcome: RecordedEvents) -> None:
    metrics.SHIPPED.inc(outcome.accepted_count)
    reasons = Counter(rejected.reason for rejected in outcome.rejected)
    for reason, number in reasons.items():
        metrics.REJECTED.labels(reason).inc(number)
        _log.warning("events rejected", reason=reason, events=number)
