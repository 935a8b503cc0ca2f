"""Watches campaigns: one poller per campaign reads its numbers for all who watch it."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

from hushpost_runtime.waiting import wait_for_event
from hushpost_service.domain.errors import HushpostError
from hushpost_service.graceful_shutdown import GracefulShutdown
from hushpost_service.stats.report import CampaignReport
from hushpost_service.stats.shared_reports import SharedReports

__all__ = ["CampaignWatching"]

_SECONDS = 1.0

_CONCURRENT_READS = 2
"""However many campaigns are watched, pollers use no more database connections."""

_REST = 10
"""A poller pauses for so many times as long as it took to build messages, if that is longer.
For thousands of groups it takes 0.1 s of CPU time, which recording events needs too."""

T = TypeVar("T")
_Place = tuple[int, str]
_Build = Callable[[CampaignReport], T]


class CampaignWatching(Generic[T]):
    """Yields a message about a campaign, and again whenever it has changed.

    The cost does not depend on the number of watchers: all of a campaign share a poller,
    which exists while there are any, and the messages that it has built, one per view.
    Nothing is queued for a watcher that reads slowly; it gets the latest message next.
    """

    def __init__(
        self,
        reports: SharedReports,
        shutdown: GracefulShutdown,
        *,
        seconds: float = _SECONDS,
    ) -> None:
        """Watch campaigns.

        Args:
            reports: The reports of campaigns.
            shutdown: Ends all watching when it begins.
            seconds: The pause between two reads of a campaign, and between two messages to
                a watcher.
        """
        self._reports = reports
        self._shutdown = shutdown
        self._seconds = seconds
        self._pollers: dict[_Place, _Poller[T]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._reads = asyncio.Semaphore(_CONCURRENT_READS)

    async def watch(
        self, tenant: int, campaign_id: str, build: _Build[T]
    ) -> AsyncGenerator[T, None]:
        """Yield the present message, then each one that differs, at most one a second.

        Args:
            tenant: The tenant.
            campaign_id: The campaign.
            build: Builds the message of a view from a report. Watchers that pass the same
                function share messages, which are compared with `==`.

        Raises CAMPAIGN_NOT_FOUND, DATABASE_UNAVAILABLE and SHUTTING_DOWN, also later.
        """
        poller = self._poller((tenant, campaign_id))
        message: T | None = None
        with poller.watched(build):
            while True:
                message = await poller.next(build, message)
                yield message
                await wait_for_event(poller.ended, self._seconds)

    def _poller(self, place: _Place) -> "_Poller[T]":
        poller = self._pollers.get(place)
        if poller is None:
            poller = self._pollers[place] = _Poller(self._reports)
            task = asyncio.create_task(self._run(place, poller))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return poller

    async def _run(self, place: _Place, poller: "_Poller[T]") -> None:
        try:
            await self._shutdown.run_until_shutdown(self._poll(place, poller))
        except HushpostError as shutting_down:
            poller.end(shutting_down)

    async def _poll(self, place: _Place, poller: "_Poller[T]") -> None:
        """Read the numbers while there are watchers; pass an error on to them."""
        shared = self._reports.of(*place)
        try:
            while poller.is_watched:
                async with self._reads:
                    report = await shared.current()
                start = time.monotonic()
                await poller.update(report)
                await asyncio.sleep(max(self._seconds, _REST * (time.monotonic() - start)))
        except Exception as error:  # noqa: BLE001 - every failure ends the calls of the watchers
            poller.end(error)
        finally:
            # At once, so that no watcher joins a poller that has ended.
            del self._pollers[place]


class _Poller(Generic[T]):
    """The latest messages of a campaign, one per view, or the error that ended its poller.

    Attributes:
        ended: Is set when there will be no more messages.
    """

    def __init__(self, reports: SharedReports) -> None:
        self.ended = asyncio.Event()
        self._reports = reports
        self._error: Exception | None = None
        self._report: CampaignReport | None = None
        self._views: Counter[_Build[T]] = Counter()
        self._messages: dict[_Build[T], T] = {}
        self._building = asyncio.Lock()
        self._changed = asyncio.Event()

    @property
    def is_watched(self) -> bool:
        """Whether there are watchers."""
        return bool(self._views)

    @contextmanager
    def watched(self, build: _Build[T]) -> Iterator[None]:
        """Count a watcher of a view until the block ends."""
        self._views[build] += 1
        try:
            yield
        finally:
            self._views[build] -= 1
            if not self._views[build]:
                del self._views[build]
                self._messages.pop(build, None)

    async def update(self, report: CampaignReport) -> None:
        """Build the messages of a report, and pass those that differ on to the watchers."""
        async with self._building:
            if report is self._report:
                return
            self._report = report
            for build in list(self._views):
                message = await self._reports.build(report, build)
                if build in self._views and message != self._messages.get(build):
                    self._messages[build] = message
        self._notify()

    def end(self, error: Exception) -> None:
        """Raise an error for each watcher."""
        self._error = error
        self.ended.set()
        self._notify()

    async def next(self, build: _Build[T], shown: T | None) -> T:
        """Wait for another message of a view than the one shown; raise the error if there is one."""
        if shown is None:
            await self._build_first(build)
        while self._error is None:
            message = self._messages.get(build)
            if message is not None and message is not shown:
                return message
            await self._changed.wait()
        raise self._error

    async def _build_first(self, build: _Build[T]) -> None:
        """Build the message of a view that had no watcher at the last read."""
        async with self._building:
            if self._report is not None and build not in self._messages:
                self._messages[build] = await self._reports.build(self._report, build)

    def _notify(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()
