"""Watching campaigns: who shares a poller, when it ends, and what slow watchers get."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass
from typing import Any

import pytest

from hushpost_service.domain.errors import HushpostError, Reason
from hushpost_service.graceful_shutdown import GracefulShutdown
from hushpost_service.stats.watching import CampaignWatching
from tests.waiting import until

SECONDS = 0.02
PAUSE = 0.5


class FakeReports:
    """Returns the numbers that a test sets instead of reports, or raises its error; counts reads."""

    def __init__(self) -> None:
        self.numbers: object = 0
        self.error: Exception | None = None
        self.reads: list[tuple[int, str]] = []
        self.concurrent = self.most_concurrent = 0

    def of(self, tenant: int, campaign_id: str) -> "FakeReport":
        """Return the report of a campaign."""
        return FakeReport(self, (tenant, campaign_id))

    async def build(self, numbers: object, build: Callable[[object], object]) -> object:
        """Build a message in a thread."""
        return await asyncio.to_thread(build, numbers)


@dataclass(frozen=True)
class FakeReport:
    """The report of one campaign."""

    all: FakeReports
    place: tuple[int, str]

    async def current(self) -> object:
        """Return the numbers."""
        self.all.reads.append(self.place)
        self.all.concurrent += 1
        self.all.most_concurrent = max(self.all.most_concurrent, self.all.concurrent)
        await asyncio.sleep(SECONDS / 4)
        self.all.concurrent -= 1
        if self.all.error is not None:
            raise self.all.error
        return self.all.numbers


def everything(numbers: Any) -> Any:
    """Show all numbers."""
    return numbers


@pytest.fixture
def stats() -> FakeReports:
    """The numbers of all campaigns."""
    return FakeReports()


@pytest.fixture
def shutdown() -> GracefulShutdown:
    """A shutdown that has not begun."""
    return GracefulShutdown()


@pytest.fixture
def watching(stats: FakeReports, shutdown: GracefulShutdown) -> CampaignWatching[Any]:
    """Watches the numbers themselves."""
    fake: Any = stats
    return CampaignWatching(fake, shutdown, seconds=SECONDS)


async def _next(reports: AsyncGenerator[Any, None]) -> Any:
    return await asyncio.wait_for(anext(reports), 10)


async def test_watchers_of_a_campaign_share_reads(
    watching: CampaignWatching[Any], stats: FakeReports
) -> None:
    """A hundred watchers cause no more reads than one; another tenant's campaign is read apart."""
    async with AsyncExitStack() as stack:
        own = [
            await stack.enter_async_context(aclosing(watching.watch(1, "spring", everything)))
            for _ in range(100)
        ]
        assert await asyncio.gather(*map(_next, own)) == [0] * 100
        assert stats.reads == [(1, "spring")]
        other = await stack.enter_async_context(aclosing(watching.watch(2, "spring", everything)))
        await _next(other)
        stats.numbers = 1
        assert await asyncio.gather(*map(_next, own)) == [1] * 100
    assert set(stats.reads) == {(1, "spring"), (2, "spring")}


async def test_equal_numbers_are_not_repeated(
    watching: CampaignWatching[Any], stats: FakeReports
) -> None:
    """While nothing changes, a watcher gets nothing."""
    async with aclosing(watching.watch(1, "spring", everything)) as reports:
        await _next(reports)
        waiting = asyncio.create_task(_next(reports))
        read = len(stats.reads)
        await until(lambda: len(stats.reads) > read + 3)
        assert not waiting.done()
        stats.numbers = "changed"
        assert await waiting == "changed"


def _tens(numbers: Any) -> int:
    tens: int = numbers // 10
    return tens


async def test_equal_reports_of_other_numbers_are_not_repeated(
    stats: FakeReports, shutdown: GracefulShutdown
) -> None:
    """What the report does not show is no change."""
    fake: Any = stats
    watching: Any = CampaignWatching(fake, shutdown, seconds=SECONDS)
    async with aclosing(watching.watch(1, "spring", _tens)) as reports:
        assert await _next(reports) == 0
        stats.numbers = 1
        waiting = asyncio.create_task(_next(reports))
        read = len(stats.reads)
        await until(lambda: len(stats.reads) > read + 3)
        stats.numbers = 10
        assert await waiting == 1


async def test_a_watcher_that_joins_between_two_reads_has_the_same_pause(
    stats: FakeReports, shutdown: GracefulShutdown
) -> None:
    """It gets the latest report at once, but the next read is too early for another one."""
    fake: Any = stats
    slow: Any = CampaignWatching(fake, shutdown, seconds=PAUSE)
    async with (
        aclosing(slow.watch(1, "spring", everything)) as early,
        aclosing(slow.watch(1, "spring", everything)) as late,
    ):
        await _next(early)
        await asyncio.sleep(0.8 * PAUSE)  # shortly before the next read
        start = asyncio.get_running_loop().time()
        assert await _next(late) == 0
        stats.numbers = 1
        assert await _next(late) == 1
        assert asyncio.get_running_loop().time() - start >= PAUSE


async def test_a_large_campaign_is_read_less_often(
    stats: FakeReports, shutdown: GracefulShutdown
) -> None:
    """A poller rests ten times as long as it takes to build a report."""

    def build(numbers: object) -> object:
        time.sleep(SECONDS)
        return numbers

    fake: Any = stats
    start = time.monotonic()
    watching: Any = CampaignWatching(fake, shutdown, seconds=0)
    async with aclosing(watching.watch(1, "a", build)) as large:
        for number in (0, 1, 2):
            stats.numbers = number
            assert await _next(large) == number
    assert time.monotonic() - start >= 2 * 10 * SECONDS


async def test_views_share_reads_and_change_apart(
    watching: CampaignWatching[Any], stats: FakeReports
) -> None:
    """Watchers of two views cause one read; what only one of them shows is no change of the other."""
    async with (
        aclosing(watching.watch(1, "spring", everything)) as detailed,
        aclosing(watching.watch(1, "spring", _tens)) as coarse,
    ):
        assert {await _next(detailed), await _next(coarse)} == {0}
        read = len(stats.reads)
        waiting = asyncio.create_task(_next(coarse))
        stats.numbers = 1
        assert await _next(detailed) == 1
        stats.numbers = 20
        assert await _next(detailed) == 20
        assert await waiting == 2
        assert len(stats.reads) - read < 20
        async with aclosing(watching.watch(1, "spring", str)) as late:
            assert await _next(late) == "20"


async def test_a_slow_watcher_gets_the_latest_report_only(
    watching: CampaignWatching[Any], stats: FakeReports
) -> None:
    """What changed while a watcher did not read is not queued."""
    async with (
        aclosing(watching.watch(1, "spring", everything)) as slow,
        aclosing(watching.watch(1, "spring", everything)) as fast,
    ):
        await asyncio.gather(_next(slow), _next(fast))
        for number in range(1, 6):
            stats.numbers = number
            assert await _next(fast) == number
        assert await _next(slow) == 5
        stats.numbers = 6
        assert await _next(slow) == 6


async def test_polling_ends_with_the_last_watcher(
    watching: CampaignWatching[Any], stats: FakeReports
) -> None:
    """A campaign that is not watched is not read; a watcher that comes later starts again."""
    async with aclosing(watching.watch(1, "spring", everything)) as first:
        async with aclosing(watching.watch(1, "spring", everything)) as second:
            await asyncio.gather(_next(first), _next(second))
        read = len(stats.reads)
        await until(lambda: len(stats.reads) > read)
    async with aclosing(watching.watch(1, "other", everything)) as other:
        await _next(other)
        # Of reads at equal pauses, so many of the other one leave time for several.
        await until(lambda: stats.reads.count((1, "other")) > 10)
        assert (1, "spring") not in stats.reads[-6:]
    stats.numbers = 1
    async with aclosing(watching.watch(1, "spring", everything)) as again:
        assert await _next(again) == 1


async def test_an_error_ends_all_watching_of_the_campaign(
    watching: CampaignWatching[Any], stats: FakeReports
) -> None:
    """Each watcher gets it; the next watcher causes a new read."""
    async with (
        aclosing(watching.watch(1, "spring", everything)) as first,
        aclosing(watching.watch(1, "spring", everything)) as second,
    ):
        await asyncio.gather(_next(first), _next(second))
        stats.error = HushpostError(Reason.DATABASE_UNAVAILABLE, "unavailable")
        for reports in (first, second):
            with pytest.raises(HushpostError) as caught:
                await _next(reports)
            assert caught.value is stats.error
    stats.error = None
    async with aclosing(watching.watch(1, "spring", everything)) as again:
        assert await _next(again) == 0


async def test_a_shutdown_ends_all_watching(
    watching: CampaignWatching[Any], shutdown: GracefulShutdown
) -> None:
    """Each watcher gets SHUTTING_DOWN."""
    async with aclosing(watching.watch(1, "spring", everything)) as reports:
        await _next(reports)
        shutdown.begin()
        with pytest.raises(HushpostError) as caught:
            await _next(reports)
    assert caught.value.reason is Reason.SHUTTING_DOWN


async def test_few_campaigns_are_read_at_once(
    watching: CampaignWatching[Any], stats: FakeReports
) -> None:
    """However many campaigns are watched, their reads use two database connections."""
    async with AsyncExitStack() as stack:
        reports = [
            await stack.enter_async_context(aclosing(watching.watch(1, f"c-{number}", everything)))
            for number in range(20)
        ]
        await asyncio.gather(*map(_next, reports))
    assert stats.most_concurrent == 2
