"""Sharing reads of a campaign's report: who shares one, and when a report is read again."""

import asyncio
import gc
from typing import Any

import pytest

from hushpost_service.domain.errors import HushpostError, Reason
from hushpost_service.stats.shared_reports import SharedReports
from tests.unit.test_report import numbers
from tests.waiting import eventually, until

SECONDS = 0.05


class FakeStats:
    """Returns the numbers that a test sets, once it lets a read end; counts the reads."""

    def __init__(self) -> None:
        self.numbers = numbers()
        self.error: Exception | None = None
        self.reads = 0
        self.may_end = asyncio.Event()
        self.may_end.set()

    async def campaign(self, tenant: int, campaign_id: str, *, previous: object) -> object:
        """Return the numbers as they were when the read began."""
        del tenant, campaign_id, previous
        self.reads += 1
        found = self.numbers
        await self.may_end.wait()
        if self.error is not None:
            raise self.error
        return found


@pytest.fixture
def stats() -> FakeStats:
    """The numbers of all campaigns."""
    return FakeStats()


def _reports(stats: FakeStats, seconds: float = 60) -> SharedReports:
    fake: Any = stats
    return SharedReports(fake, seconds=seconds)


async def test_callers_at_the_same_time_share_reads(stats: FakeStats) -> None:
    """A hundred callers cause two reads; those after the first get one that began later."""
    shared = _reports(stats).of(1, "spring")
    stats.may_end.clear()
    first = asyncio.create_task(shared.current())
    await until(lambda: stats.reads == 1)
    before = stats.numbers
    stats.numbers = numbers(exact={})
    others = [asyncio.create_task(shared.current()) for _ in range(100)]
    await asyncio.sleep(0)
    stats.may_end.set()
    assert (await first).numbers is before
    assert {(await other).numbers is stats.numbers for other in others} == {True}
    assert stats.reads == 2


async def test_a_report_is_kept_while_nothing_changes(stats: FakeStats) -> None:
    """Equal numbers return the same report, whose parts have been built."""
    shared = _reports(stats).of(1, "spring")
    report = await shared.current()
    stats.numbers = numbers()
    assert await shared.current() is report
    stats.numbers = numbers(exact={})
    assert await shared.current() is not report
    assert stats.reads == 3


async def test_a_recent_report_is_not_read_again(stats: FakeStats) -> None:
    """Pages share the report of the last second; then they get a current one."""
    reports = _reports(stats, SECONDS)
    shared = reports.of(1, "spring")
    report = await shared.current()
    assert await shared.recent() is report
    stats.numbers = numbers(exact={})

    async def is_kept() -> bool:
        return await reports.of(1, "spring").recent() is report

    await eventually(is_kept, expected=False)
    assert stats.reads == 2


async def test_an_unused_report_is_freed(stats: FakeStats) -> None:
    """Nothing is kept of a campaign that was not read for a second."""
    reports = _reports(stats, SECONDS)
    await reports.of(1, "spring").current()
    reachable: Any = reports

    def is_freed() -> bool:
        gc.collect()
        return not reachable._reports

    assert not is_freed()
    await until(is_freed)


async def test_an_error_reaches_all_callers_and_is_not_kept(stats: FakeStats) -> None:
    """The next call reads again."""
    shared = _reports(stats).of(1, "spring")
    stats.error = HushpostError(Reason.CAMPAIGN_NOT_FOUND, "there is no such campaign")
    outcomes = await asyncio.gather(
        *(shared.current() for _ in range(3)), shared.recent(), return_exceptions=True
    )
    assert outcomes == [stats.error] * 4
    stats.error = None
    assert (await shared.recent()).numbers is stats.numbers


async def test_a_caller_that_leaves_does_not_end_the_read_of_others(stats: FakeStats) -> None:
    """A shared read goes on when the call that started it is cancelled."""
    shared = _reports(stats).of(1, "spring")
    stats.may_end.clear()
    leaving = asyncio.create_task(shared.current())
    await until(lambda: stats.reads == 1)
    waiting = asyncio.create_task(shared.current())
    await asyncio.sleep(0)
    leaving.cancel()
    stats.may_end.set()
    assert (await waiting).numbers is stats.numbers
    with pytest.raises(asyncio.CancelledError):
        await leaving
