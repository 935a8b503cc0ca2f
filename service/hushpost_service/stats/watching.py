"""Watches campaigns: one poller per campaign reads its numbers for all who watch it."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from typing import Generic, TypeVar

from hushpost_runtime.waiting import wait_for_event
from hushpost_service.domain.errors import HushpostError
from hushpost_service.graceful_shutdown import GracefulShutdown
from hushpost_service.stats.service import CampaignNumbers, Stats

__all__ = ["CampaignWatching"]

_SECONDS = 1.0

_CONCURRENT_READS = 2
"""However many campaigns are watched, pollers use no more database connections."""

_REST = 10
"""A poller pauses for so many times as long as it took to build a report, if that is longer.
With 2,000 groups and 500 links it takes 0.4 s of CPU time, which recording events needs too."""

T = TypeVar("T")
_Place = tuple[int, str]


class CampaignWatching(Generic[T]):
    """Yields the report of a campaign, and again whenever it has changed.

    The cost does not depend on the number of watchers: all of a campaign share a poller,
    which exists while there are any, and the report that it has built. Nothing is queued
    for a watcher that reads slowly; it gets the latest report next.
    """

    def __init__(
        self,
        stats: Stats,
        build: Callable[[CampaignNumbers], T],
        shutdown: GracefulShutdown,
        *,
        seconds: float = _SECONDS,
    ) -> None:
        """Watch campaigns.

        Args:
            stats: Reads the numbers of campaigns.
            build: Builds a report of numbers. Reports are compared with `==`.
            shutdown: Ends all watching when it begins.
            seconds: The pause between two reads of a campaign, and between two reports to
                a watcher.
        """
        self._stats = stats
        self._build = build
        self._shutdown = shutdown
        self._seconds = seconds
        self._pollers: dict[_Place, _Poller[T]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._reads = asyncio.Semaphore(_CONCURRENT_READS)

    async def watch(self, tenant: int, campaign_id: str) -> AsyncGenerator[T, None]:
        """Yield the present report, then each one that differs, at most one a second.

        Raises CAMPAIGN_NOT_FOUND, DATABASE_UNAVAILABLE and SHUTTING_DOWN, also later.
        """
        poller = self._poller((tenant, campaign_id))
        poller.watchers += 1
        try:
            version = 0
            while True:
                version, report = await poller.newer_than(version)
                yield report
                await wait_for_event(poller.ended, self._seconds)
        finally:
            poller.watchers -= 1

    def _poller(self, place: _Place) -> "_Poller[T]":
        poller = self._pollers.get(place)
        if poller is None:
            poller = self._pollers[place] = _Poller()
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
        numbers: CampaignNumbers | None = None
        try:
            while poller.watchers:
                async with self._reads:
                    found = await self._stats.campaign(*place, previous=numbers)
                start = time.monotonic()
                if found != numbers:
                    numbers = found
                    # In a thread, because the event loop would stop meanwhile.
                    poller.publish(await asyncio.to_thread(self._build, numbers))
                await asyncio.sleep(max(self._seconds, _REST * (time.monotonic() - start)))
        except Exception as error:  # noqa: BLE001 - every failure ends the calls of the watchers
            poller.end(error)
        finally:
            # At once, so that no watcher joins a poller that has ended.
            del self._pollers[place]


class _Poller(Generic[T]):
    """The latest report of a campaign, or the error that ended its poller.

    Attributes:
        watchers: The number of watchers.
        ended: Is set when there will be no more reports.
    """

    def __init__(self) -> None:
        self.watchers = 0
        self.ended = asyncio.Event()
        self._error: Exception | None = None
        self._latest: tuple[int, T] | None = None
        self._changed = asyncio.Event()

    def publish(self, report: T) -> None:
        """Pass a report to the watchers if it differs from the latest one."""
        version, latest = self._latest or (0, None)
        if report != latest:
            self._latest = version + 1, report
            self._notify()

    def end(self, error: Exception) -> None:
        """Raise an error for each watcher."""
        self._error = error
        self.ended.set()
        self._notify()

    async def newer_than(self, version: int) -> tuple[int, T]:
        """Wait for a report with a greater version; return both, or raise the error."""
        while self._error is None:
            if self._latest is not None and self._latest[0] > version:
                return self._latest
            await self._changed.wait()
        raise self._error

    def _notify(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()
