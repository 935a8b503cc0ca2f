"""Watching campaigns: who shares a poller, when it ends, and what slow watchers get."""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, aclosing
from typing import Any

import pytest

from hushpost_service.domain.errors import HushpostError, Reason
from hushpost_service.graceful_shutdown import GracefulShutdown
from hushpost_service.stats.watching import CampaignWatching
from tests.waiting import until

SECONDS = 0.02
PAUSE = 0.5


class FakeStats:
    """Returns the numbers that a test sets, or raises its error; counts the reads."""

    def __init__(self) -> None:
        self.numbers: object = 0
        self.error: Exception | None = None
        self.reads: list[tuple[int, str]] = []
        self.concurrent = self.most_concurrent = 0

    async def campaign(self, tenant: int, campaign_id: str, *, previous: object) -> object:
        """Return the numbers."""
        del previous
        self.reads.append((tenant, campaign_id))
        self.concurrent += 1
        self.most_concurrent = max(self.most_concurrent, self.concurrent)
        await asyncio.sleep(SECONDS / 4)
        self.concurrent -= 1
        if self.error is not None:
            raise self.error
        return self.numbers


@pytest.fixture
def stats() -> FakeStats:
    """The numbers of all campaigns."""
    return FakeStats()


@pytest.fixture
def shutdown() -> GracefulShutdown:
    """A shutdown that has not begun."""
    return GracefulShutdown()


@pytest.fixture
def watching(stats: FakeStats, shutdown: GracefulShutdown) -> CampaignWatching[Any]:
    """Watches the numbers themselves."""
    fake: Any = stats
    return CampaignWatching(fake, lambda numbers: numbers, shutdown, seconds=SECONDS)


async def _next(reports: AsyncGenerator[Any, None]) -> Any:
    return await asyncio.wait_for(anext(reports), 10)


async def test_watchers_of_a_campaign_share_reads(
    watching: CampaignWatching[Any], stats: FakeStats
) -> None:
    """A hundred watchers cause no more reads than one; another tenant's campaign is read apart."""
    async with AsyncExitStack() as stack:
        own = [
            await stack.enter_async_context(aclosing(watching.watch(1, "spring")))
            for _ in range(100)
        ]
        assert await asyncio.gather(*map(_next, own)) == [0] * 100
        assert stats.reads == [(1, "spring")]
        other = await stack.enter_async_context(aclosing(watching.watch(2, "spring")))
        await _next(other)
        stats.numbers = 1
        assert await asyncio.gather(*map(_next, own)) == [1] * 100
    assert set(stats.reads) == {(1, "spring"), (2, "spring")}


async def test_equal_numbers_are_not_repeated(
    watching: CampaignWatching[Any], stats: FakeStats
) -> None:
    """While nothing changes, a watcher gets nothing."""
    async with aclosing(watching.watch(1, "spring")) as reports:
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
    stats: FakeStats, shutdown: GracefulShutdown
) -> None:
    """What the report does not show is no change."""
    fake: Any = stats
    tens = CampaignWatching(fake, _tens, shutdown, seconds=SECONDS)
    async with aclosing(tens.watch(1, "spring")) as reports:
        assert await _next(reports) == 0
        stats.numbers = 1
        waiting = asyncio.create_task(_next(reports))
        read = len(stats.reads)
        await until(lambda: len(stats.reads) > read + 3)
        stats.numbers = 10
        assert await waiting == 1


async def test_a_watcher_that_joins_between_two_reads_has_the_same_pause(
    stats: FakeStats, shutdown: GracefulShutdown
) -> None:
    """It gets the latest report at once, but the next read is too early for another one."""
    fake: Any = stats
    slow: Any = CampaignWatching(fake, lambda numbers: numbers, shutdown, seconds=PAUSE)
    async with (
        aclosing(slow.watch(1, "spring")) as early,
        aclosing(slow.watch(1, "spring")) as late,
    ):
        await _next(early)
        await asyncio.sleep(0.8 * PAUSE)  # shortly before the next read
        start = asyncio.get_running_loop().time()
        assert await _next(late) == 0
        stats.numbers = 1
        assert await _next(late) == 1
        assert asyncio.get_running_loop().time() - start >= PAUSE


async def test_a_large_campaign_is_read_less_often(
    stats: FakeStats, shutdown: GracefulShutdown
) -> None:
    """A poller rests ten times as long as it takes to build a report."""

    def build(numbers: object) -> object:
        time.sleep(SECONDS)
        return numbers

    fake: Any = stats
    start = time.monotonic()
    async with aclosing(CampaignWatching(fake, build, shutdown, seconds=0).watch(1, "a")) as large:
        for number in (0, 1, 2):
            stats.numbers = number
            assert await _next(large) == number
    assert time.monotonic() - start >= 2 * 10 * SECONDS


async def test_a_slow_watcher_gets_the_latest_report_only(
    watching: CampaignWatching[Any], stats: FakeStats
) -> None:
    """What changed while a watcher did not read is not queued."""
    async with (
        aclosing(watching.watch(1, "spring")) as slow,
        aclosing(watching.watch(1, "spring")) as fast,
    ):
        await asyncio.gather(_next(slow), _next(fast))
        for number in range(1, 6):
            stats.numbers = number
            assert await _next(fast) == number
        assert await _next(slow) == 5
        stats.numbers = 6
        assert await _next(slow) == 6


async def test_polling_ends_with_the_last_watcher(
    watching: CampaignWatching[Any], stats: FakeStats
) -> None:
    """A campaign that is not watched is not read; a watcher that comes later starts again."""
    async with aclosing(watching.watch(1, "spring")) as first:
        async with aclosing(watching.watch(1, "spring")) as second:
            await asyncio.gather(_next(first), _next(second))
        read = len(stats.reads)
        await until(lambda: len(stats.reads) > read)
    async with aclosing(watching.watch(1, "other")) as other:
        await _next(other)
        # Of reads at equal pauses, so many of the other one leave time for several.
        await until(lambda: stats.reads.count((1, "other")) > 10)
        assert (1, "spring") not in stats.reads[-6:]
    stats.numbers = 1
    async with aclosing(watching.watch(1, "spring")) as again:
        assert await _next(again) == 1


async def test_an_error_ends_all_watching_of_the_campaign(
    watching: CampaignWatching[Any], stats: FakeStats
) -> None:
    """Each watcher gets it; the next watcher causes a new read."""
    async with (
        aclosing(watching.watch(1, "spring")) as first,
        aclosing(watching.watch(1, "spring")) as second,
    ):
        await asyncio.gather(_next(first), _next(second))
        stats.error = HushpostError(Reason.DATABASE_UNAVAILABLE, "unavailable")
        for reports in (first, second):
            with pytest.raises(HushpostError) as caught:
                await _next(reports)
            assert caught.value is stats.error
    stats.error = None
    async with aclosing(watching.watch(1, "spring")) as again:
        assert await _next(again) == 0


async def test_a_shutdown_ends_all_watching(
    watching: CampaignWatching[Any], shutdown: GracefulShutdown
) -> None:
    """Each watcher gets SHUTTING_DOWN."""
    async with aclosing(watching.watch(1, "spring")) as reports:
        await _next(reports)
        shutdown.begin()
        with pytest.raises(HushpostError) as caught:
            await _next(reports)
    assert caught.value.reason is Reason.SHUTTING_DOWN


async def test_few_campaigns_are_read_at_once(
    watching: CampaignWatching[Any], stats: FakeStats
) -> None:
    """However many campaigns are watched, their reads use two database connections."""
    async with AsyncExitStack() as stack:
        reports = [
            await stack.enter_async_context(aclosing(watching.watch(1, f"c-{number}")))
            for number in range(20)
        ]
        await asyncio.gather(*map(_next, reports))
    assert stats.most_concurrent == 2
