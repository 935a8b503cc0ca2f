"""Shares the report of a campaign among all who ask for it at about the same time."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Protocol, TypeVar
from weakref import WeakValueDictionary

from hushpost_runtime.call_id import begin_call
from hushpost_service.stats.report import CampaignReport
from hushpost_service.stats.service import Stats

__all__ = ["SharedReport", "SharedReports"]

_SECONDS = 1.0

_SMALL = 50
"""Groups and links up to which a report is built in the event loop, in less than 5 ms."""

T = TypeVar("T")


class _Sized(Protocol):
    """What a report, or a part of it, is built from."""

    @property
    def size(self) -> int: ...


S = TypeVar("S", bound=_Sized)


class SharedReports:
    """The reports of campaigns that have been read within the last second, or are watched."""

    def __init__(self, stats: Stats, *, seconds: float = _SECONDS) -> None:
        """`seconds` is how long a report is recent."""
        self._stats = stats
        self._seconds = seconds
        self._reports: WeakValueDictionary[tuple[int, str], SharedReport] = WeakValueDictionary()
        self._building = asyncio.Lock()

    def of(self, tenant: int, campaign_id: str) -> "SharedReport":
        """Return what shares the report of a campaign. It is kept for as long as it is held."""
        place = (tenant, campaign_id)
        shared = self._reports.get(place)
        if shared is None:
            shared = self._reports[place] = SharedReport(
                lambda previous: self._read(place, previous), self._seconds
            )
        return shared

    async def _read(
        self, place: tuple[int, str], previous: CampaignReport | None
    ) -> CampaignReport:
        before = None if previous is None else previous.numbers
        numbers = await self._stats.campaign(*place, previous=before)
        if previous is not None and numbers == before:
            return previous
        return await self.build(numbers, CampaignReport)

    async def build(self, source: S, build: Callable[[S], T]) -> T:
        """Return `build(source)`: a report of numbers, or a message of a report.

        Of large campaigns, in a thread, because the event loop would stop meanwhile; one at a
        time, so that at most one thread competes with the event loop for the interpreter.
        """
        if source.size <= _SMALL:
            return build(source)
        async with self._building:
            return await asyncio.to_thread(build, source)


class SharedReport:
    """The report of one campaign.

    Callers that wait at the same time share a read. A read that began before a call may lack
    what the caller has just written, so the call then shares the next one. There are never
    more than these two, however many callers.
    """

    def __init__(
        self,
        read: Callable[[CampaignReport | None], Coroutine[Any, Any, CampaignReport]],
        seconds: float,
    ) -> None:
        """`read` returns the present report: the one that it gets if nothing has changed."""
        self._read = read
        self._seconds = seconds
        self._reading: asyncio.Task[CampaignReport] | None = None
        self._next: asyncio.Task[CampaignReport] | None = None
        self._report: CampaignReport | None = None
        self._expiry: asyncio.TimerHandle | None = None

    async def current(self) -> CampaignReport:
        """Return a report whose read began after the call.

        It is the same object as before if nothing has changed. Raises CAMPAIGN_NOT_FOUND,
        DATABASE_UNAVAILABLE.
        """
        if self._next is not None:
            return await asyncio.shield(self._next)
        if self._reading is not None:
            self._next = _started(self._read_after(self._reading))
            return await asyncio.shield(self._next)
        self._reading = _started(self._read_now())
        return await asyncio.shield(self._reading)

    async def recent(self) -> CampaignReport:
        """Return the last report if it was read less than a second ago, else the current one."""
        if self._report is not None and self._expiry is not None:
            return self._report
        return await self.current()

    async def _read_after(self, reading: asyncio.Task[CampaignReport]) -> CampaignReport:
        await asyncio.wait([reading])
        self._reading, self._next = self._next, None
        return await self._read_now()

    async def _read_now(self) -> CampaignReport:
        begin_call()
        loop = asyncio.get_running_loop()
        start = loop.time()
        try:
            self._report = await self._read(self._report)
        finally:
            self._reading = None
        if self._expiry is not None:
            self._expiry.cancel()
        # The timer holds this object, which is kept so long.
        self._expiry = loop.call_at(start + self._seconds, self._expire)
        return self._report

    def _expire(self) -> None:
        self._expiry = None


def _started(reading: Coroutine[Any, Any, CampaignReport]) -> asyncio.Task[CampaignReport]:
    """Start a read, whose error is no warning if all callers have been cancelled."""
    task = asyncio.create_task(reading)
    task.add_done_callback(lambda done: done.cancelled() or done.exception())
    return task
