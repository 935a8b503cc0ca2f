"""WatchCampaignStats streams the report of a campaign, at the cost of one read a second."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import grpc
import pytest

from hushpost.v1 import stats_pb2
from hushpost_client import (
    CampaignStats,
    DoNotTrack,
    ErrorReason,
    Mode,
    PolicyUpdate,
    Role,
    UnauthenticatedError,
)
from hushpost_service.storage.sql.releases import RELEASED_COUNTS
from hushpost_service.storage.sql.stats import SENT_MESSAGES
from tests.authority import AuthorityProcess
from tests.conftest import Clients, RunningAuthority
from tests.inspection import connected
from tests.mailing import clients_of, send
from tests.waiting import eventually, until
from tests.wire import Wire, refused

WATCHERS = 300
PER_KEY = 150
"""A key may have 200 streams."""
SECONDS = 30
SOON = (timedelta(seconds=2), timedelta(days=300))


@dataclass(frozen=True)
class Logged:
    """An authority whose database logs each statement that it executes."""

    authority: RunningAuthority

    def count(self, statement: str) -> int:
        """Return how often the database has executed a statement."""
        log = self.authority.process.data_dir / "postgres" / "log"
        return _on_one_line(log.read_text()).count(_on_one_line(statement))


def _on_one_line(text: str) -> str:
    return " ".join(text.split())


@pytest.fixture(scope="module")
async def logged(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Logged]:
    """An authority with a log of statements."""
    with AuthorityProcess(tmp_path_factory.mktemp("logged")) as process:
        logged = Logged(RunningAuthority.of(process))
        async with connected(process.data_dir) as connection:
            await connection.execute("alter system set log_statement = 'all'")
            await connection.execute("select pg_reload_conf()")

            async def is_logged() -> bool:
                await connection.execute("select 'a statement'")
                return logged.count("select 'a statement'") > 0

            await eventually(is_logged, expected=True)
        yield logged


@pytest.fixture
async def exact(logged: Logged) -> AsyncIterator[Clients]:
    """Clients of a tenant whose counts are exact."""
    async with AsyncExitStack() as stack:
        yield await clients_of(stack, logged.authority)


async def _reporter_key(clients: Clients) -> tuple[str, str]:
    """Create a key; return its id and secret."""
    created = await clients.admin.admin.create_api_key(Role.REPORTER)
    assert created.secret is not None
    return created.api_key.key_id, created.secret


async def _next(reports: Any) -> CampaignStats:
    report: CampaignStats = await asyncio.wait_for(anext(reports), SECONDS)
    return report


@pytest.mark.embedded
async def test_hundreds_of_watchers_cost_one_read_a_second(logged: Logged, exact: Clients) -> None:
    """Each gets the present report and the changed one; the reads of all views do not add up."""
    mailing = await send(exact, ["ann"])
    requests = [
        stats_pb2.WatchCampaignStatsRequest(campaign_id=mailing.campaign_id, view=view)
        for view in (
            stats_pb2.CAMPAIGN_STATS_VIEW_SUMMARY,
            stats_pb2.CAMPAIGN_STATS_VIEW_HOURLY,
            stats_pb2.CAMPAIGN_STATS_VIEW_FULL,
        )
    ]
    async with AsyncExitStack() as stack:
        wires = [
            (await stack.enter_async_context(Wire(logged.authority.target)), key)
            for key in [(await _reporter_key(exact))[1] for _ in range(WATCHERS // PER_KEY)]
        ]
        before, start = logged.count(SENT_MESSAGES), time.monotonic()
        streams = [
            wire.stream("WatchCampaignStats", requests[n % 3], key, timeout=SECONDS)
            for wire, key in wires
            for n in range(PER_KEY)
        ]
        for opens in (0, 1):
            reports = await asyncio.gather(*(stream.read() for stream in streams))
            assert [report.stats.opens.human.identified.unique for report in reports] == (
                [opens] * WATCHERS
            )
            assert [len(report.stats.groups) for report in reports] == [0, 0, 1] * (WATCHERS // 3)
            await mailing.open("ann")
        await asyncio.gather(*(stream.read() for stream in streams))
        reads = logged.count(SENT_MESSAGES) - before
        assert 3 <= reads <= time.monotonic() - start + 2
        for stream in streams:
            stream.cancel()


@pytest.mark.embedded
async def test_calls_at_the_same_time_share_reads(logged: Logged, exact: Clients) -> None:
    """Calls share reads, pages cost one read a second, and a report is never older than its call."""
    mailing = await send(exact, ["ann"])
    stats = exact.reporter.stats
    before = logged.count(SENT_MESSAGES)
    await asyncio.gather(*(mailing.stats() for _ in range(100)))
    # Calls that arrive after a read has begun share the next one; a slow machine needs more.
    assert logged.count(SENT_MESSAGES) - before < 50
    before, start = logged.count(SENT_MESSAGES), time.monotonic()
    report = await mailing.stats()
    for _ in range(20):
        groups = await stats.group_stats_page(mailing.campaign_id)
        links = await stats.link_stats_page(mailing.campaign_id)
        assert (groups.items, links.items) == (report.groups, report.links)
    assert logged.count(SENT_MESSAGES) - before <= 1 + (time.monotonic() - start)
    await mailing.open("ann")
    assert (await mailing.stats()).opens.human.identified.unique == 1


@pytest.mark.embedded
async def test_a_burst_of_events_is_one_report_a_second(exact: Clients) -> None:
    """A watcher misses states in between, but never the last one."""
    names = [f"contact-{number}" for number in range(40)]
    mailing = await send(exact, names)
    watching = exact.reporter.stats.watch_campaign_stats(mailing.campaign_id)
    async with aclosing(watching) as reports:
        await _next(reports)
        start, received = time.monotonic(), 0
        recording = asyncio.create_task(mailing.open(*names))
        report = await _next(reports)
        received += 1
        while report.opens.human.identified.unique < len(names):
            report = await _next(reports)
            received += 1
        assert received <= time.monotonic() - start + 1
        await recording
    assert report == await mailing.stats()


@pytest.mark.embedded
async def test_watching_follows_the_schedule_of_releases(logged: Logged) -> None:
    """Anonymous acts change nothing until they are released; the noise is then read once."""
    policy = PolicyUpdate(mode_when_unset=Mode.ANONYMOUS, release_delays=SOON)
    async with AsyncExitStack() as stack:
        clients = await clients_of(stack, logged.authority, policy)
        await clients.sender.preferences.set_preference("known", DoNotTrack.FALSE)
        created = await clients.sender.campaigns.create_campaign("spring", groups=["all"])
        reports = await stack.enter_async_context(
            aclosing(clients.reporter.stats.watch_campaign_stats("spring"))
        )
        before = await _next(reports)
        assert before.release.next_release_time is None
        # So many that the estimate is not limited by the number of messages.
        names = ["known", *(f"hidden-{number}" for number in range(300))]
        issued = await clients.sender.campaigns.issue_tokens(created.campaign_id, "all", names)
        known, hidden = [token.token for token in issued.tokens[:2]]
        assert known
        assert hidden
        await clients.edge.tracking.record_open(hidden)
        noise_reads = logged.count(RELEASED_COUNTS)
        report = await _next(reports)
        while report.release.release_time is None:
            assert report.opens.human.anonymous is None
            assert report.opens.human.identified.total == 0
            report = await _next(reports)
        noise = report.opens.human.anonymous
        assert noise is not None
        for total in (1, 2):
            await clients.edge.tracking.record_open(known)
            await clients.edge.tracking.record_open(hidden)
            report = await _next(reports)
            assert report.opens.human.identified.total == total
            assert report.opens.human.anonymous == noise
        assert logged.count(RELEASED_COUNTS) == noise_reads + 1
        assert report == await clients.reporter.stats.get_campaign_stats("spring")


@pytest.mark.embedded
async def test_a_revoked_key_ends_its_streams_only(logged: Logged, exact: Clients) -> None:
    """Another watcher of the campaign gets the next change."""
    mailing = await send(exact, ["ann"])
    key_id, secret = await _reporter_key(exact)
    async with (
        logged.authority.client(secret) as revoked,
        aclosing(revoked.stats.watch_campaign_stats(mailing.campaign_id)) as ending,
        aclosing(exact.reporter.stats.watch_campaign_stats(mailing.campaign_id)) as staying,
    ):
        await asyncio.gather(_next(ending), _next(staying))
        await exact.admin.admin.revoke_api_key(key_id)
        with pytest.raises(UnauthenticatedError) as caught:
            await _next(ending)
        assert caught.value.reason is ErrorReason.API_KEY_REVOKED
        await mailing.open("ann")
        assert (await _next(staying)).opens.human.identified.unique == 1


@pytest.mark.embedded
async def test_a_stream_that_its_client_cancels_ends_the_reads(
    logged: Logged, exact: Clients
) -> None:
    """While another campaign is read again and again, this one no longer is."""
    mailings = [await send(exact, ["ann"], name) for name in ("left", "watched")]
    counts = logged.count(SENT_MESSAGES)
    left, watched = [
        exact.reporter.stats.watch_campaign_stats(mailing.campaign_id) for mailing in mailings
    ]
    async with aclosing(watched):
        async with aclosing(left):
            await asyncio.gather(_next(left), _next(watched))
        counts, start = logged.count(SENT_MESSAGES), time.monotonic()
        await until(lambda: logged.count(SENT_MESSAGES) >= counts + 4)
        # Two campaigns would be read four times within two seconds.
        assert time.monotonic() - start > 2


async def test_a_shutdown_ends_streams_at_once(tmp_path_factory: pytest.TempPathFactory) -> None:
    """They end with SHUTTING_DOWN, and the authority with code 0."""
    with AuthorityProcess(tmp_path_factory.mktemp("shutdown")) as process:
        running = RunningAuthority.of(process)
        async with AsyncExitStack() as stack:
            clients = await clients_of(stack, running)
            mailing = await send(clients, ["ann"])
            _, key = await _reporter_key(clients)
            wire = await stack.enter_async_context(Wire(running.target))
            stream = wire.stream(
                "WatchCampaignStats",
                stats_pb2.WatchCampaignStatsRequest(campaign_id=mailing.campaign_id),
                key,
            )
            await stream.read()
            start = time.monotonic()
            stopping = asyncio.create_task(asyncio.to_thread(process.stop))
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await asyncio.wait_for(stream.read(), SECONDS)
            assert refused(caught.value).reason == "SHUTTING_DOWN"
            assert await stopping == 0
            assert time.monotonic() - start < 10
