"""Sends the events in quarantine again, at growing intervals."""

import asyncio
import sqlite3
import time

import structlog

from hushpost_client import HushpostError, Tracking
from hushpost_edge import metrics
from hushpost_edge.rejections import reasons_that_may_pass
from hushpost_edge.spool import Spool
from hushpost_edge.spooled_event import to_event
from hushpost_edge.sqlite import error_name

__all__ = ["Retrier"]

_log = structlog.get_logger(__name__)

_POLL_SECONDS = 1.0
_FIRST_INTERVAL_SECONDS = 5.0
_MAX_INTERVAL_SECONDS = 300.0
_FAILURE_SECONDS = 10.0
_COUNT_SECONDS = 30.0
_CALL_TIMEOUT_SECONDS = 30.0


class Retrier:
    """Sends the whole quarantine of a spool file in rounds, until it is empty.

    The interval between rounds doubles up to five minutes, and is short again after the
    first event that the authority accepts. It runs concurrently with the uploader and has its
    own connection, so that fresh events never wait for it.
    """

    def __init__(self, spool: Spool, tracking: Tracking) -> None:
        self._spool = spool
        self._quarantine = spool.quarantine
        self._tracking = tracking
        self._interval = _FIRST_INTERVAL_SECONDS
        self._next_round = 0.0
        self._round: tuple[int, int] | None = None
        """The ids of the last row sent in this round, and of the last one to send."""
        self._counted = time.monotonic()
        self.events: dict[str, int] = {}
        """The number of events by reason."""
        self.oldest_seconds = 0

    async def run_forever(self) -> None:
        """Send what is due, until cancelled."""
        while True:
            try:
                self.events, self.oldest_seconds = await asyncio.to_thread(self._quarantine.measure)
                wait = await (self._step() if self.events else self._idle())
            except (sqlite3.Error, OSError) as error:
                _log.error("accessing the spool failed; will retry", cause=error_name(error))
                wait = _FAILURE_SECONDS
            await asyncio.sleep(wait)

    async def _idle(self) -> float:
        if self._round is not None:
            await self._end_round()
        self._interval = _FIRST_INTERVAL_SECONDS
        self._next_round = time.monotonic() + self._interval
        self._counted = time.monotonic()
        return _POLL_SECONDS

    async def _step(self) -> float:
        """Send a retry if one is due; return the seconds to wait before the next step."""
        await self._count_time()
        if not self._spool.is_readable:
            return _POLL_SECONDS
        if self._round is None:
            if time.monotonic() < self._next_round:
                return _POLL_SECONDS
            self._round = 0, await asyncio.to_thread(self._quarantine.last_row)
        return await self._send(*self._round)

    async def _send(self, after: int, until: int) -> float:
        """Send the next rows of a round; return the seconds to wait before the next step."""
        retry = await asyncio.to_thread(self._quarantine.retry, after, until)
        if retry is None:
            await self._end_round()
            return _POLL_SECONDS
        events = retry.events
        if not events:  # none can be decrypted
            await asyncio.to_thread(self._quarantine.settle, retry, {})
            return 0.0
        try:
            recorded = await self._tracking.record_events(
                map(to_event, events), request_id=retry.request_id, timeout=_CALL_TIMEOUT_SECONDS
            )
        except HushpostError as error:
            metrics.SHIP_FAILURES.labels(error.reason or "UNSPECIFIED").inc()
            return _FAILURE_SECONDS
        kept = reasons_that_may_pass(events, recorded, self._spool.now())
        await asyncio.to_thread(self._quarantine.settle, retry, kept)
        metrics.count_shipped(recorded.accepted_count)
        if recorded.accepted_count:
            self._interval = _FIRST_INTERVAL_SECONDS
            _log.info("events left the quarantine", events=recorded.accepted_count)
        self._round = max(after, retry.last), until
        return 0.0

    async def _end_round(self) -> None:
        self._round = None
        self._next_round = time.monotonic() + self._interval
        self._interval = min(2 * self._interval, _MAX_INTERVAL_SECONDS)
        # As after shipping, deleted events must leave the file.
        await asyncio.to_thread(self._spool.clean_up)

    async def _count_time(self) -> None:
        """Let the events age, and delete those that are too old."""
        seconds = int(time.monotonic() - self._counted)
        if seconds < _COUNT_SECONDS:
            return
        self._counted += seconds
        expired = await asyncio.to_thread(self._quarantine.add_seconds, seconds)
        if expired:
            metrics.QUARANTINE_DROPPED_EVENTS.labels("expired").inc(expired)
            _log.error("events in quarantine for too long; dropped", events=expired)
