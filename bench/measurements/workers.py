"""`workers_gain`, `workers_gain_one_campaign` and `hot_campaign_ratio`: single clicks with workers."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import islice

import asyncpg

from bench.authority import Authority, running_authority
from bench.child_process import ReportProgress
from bench.load.call_load_process import CallLoad
from bench.load.rpc_clicks import click_calls, click_requests
from bench.results import Figure, Result, Spread
from bench.scenario import SEED, MailingShape
from bench.tenant import Tenant, create_tenant, total
from hushpost.v1 import tracking_pb2 as pb

__all__ = ["measure_gain", "measure_hot_campaign"]

_CALLS = 6_000
_ROUNDS = 12
_SEVERAL = [MailingShape(20, 250, part) for part in range(4)]
_ONE = [MailingShape(80, 250, 4)]
_HOT = [MailingShape(1, 20_000, 5)]

_GAIN_CALLERS, _GAIN_CONNECTIONS = 64, 16
_HOT_CALLERS, _HOT_CONNECTIONS = 512, 64
"""So many that each of four workers has two commits in progress."""

_SAMPLE_SECONDS = 0.02
_COMMITTING = """
select count(*) from pg_stat_activity
where state <> 'idle' and query like '%record_single_events%' and pid <> pg_backend_pid()
"""


@dataclass(frozen=True, slots=True)
class _Clicks:
    """Clicks on messages of campaigns of one authority, without end."""

    target: str
    tenant: Tenant
    campaign_ids: list[str]
    requests: Iterator[pb.RecordClickRequest]

    async def send(self, load: CallLoad, callers: int, connections: int) -> float:
        """Send some clicks; return clicks per second."""
        clicks = list(islice(self.requests, _CALLS))
        calls = click_calls(self.target, self.tenant.edge_authorization, clicks, connections)
        result = await load.run_callers(calls, callers)
        result.check()
        return result.calls_per_second

    async def check(self) -> None:
        """Assert that all campaigns together counted every click."""
        reports = [
            await self.tenant.reporter.stats.get_campaign_stats(campaign_id)
            for campaign_id in self.campaign_ids
        ]
        assert sum(total(report.clicks) for report in reports) == _CALLS * (_ROUNDS + 1)


async def measure_gain(authority: Authority, report_progress: ReportProgress) -> list[Result]:
    """Send clicks to two workers and to one process in turn."""
    rng = random.Random(SEED)
    with running_authority(pin_to_cpu=False) as single:
        async with (
            CallLoad() as load,
            _prepared(authority, "several", _SEVERAL, rng) as several,
            _prepared(single, "several", _SEVERAL, rng) as several_alone,
            _prepared(authority, "one", _ONE, rng) as one,
            _prepared(single, "one", _ONE, rng) as one_alone,
        ):
            rates = await _in_turn(
                [several, several_alone, one, one_alone],
                lambda clicks: clicks.send(load, _GAIN_CALLERS, _GAIN_CONNECTIONS),
                report_progress,
            )
    conditions = (
        f"{_GAIN_CALLERS} callers, {_GAIN_CONNECTIONS} connections, embedded PostgreSQL, "
        "{:,.0f} clicks/s"
    )
    return [
        Figure.of_ratio(
            name,
            with_workers,
            alone,
            reference=f"one process, {Spread.of(alone).median:,.0f} clicks/s",
            conditions=conditions.format(Spread.of(with_workers).median),
        )
        for name, (with_workers, alone) in (
            ("workers_gain", rates[:2]),
            ("workers_gain_one_campaign", rates[2:]),
        )
    ]


async def measure_hot_campaign(
    authority: Authority, report_progress: ReportProgress
) -> list[Result]:
    """Send clicks on one group and on groups of four campaigns in turn, to the same workers."""
    rng = random.Random(SEED)
    async with (
        CallLoad() as load,
        _prepared(authority, "hot", _HOT, rng) as hot,
        _prepared(authority, "several", _SEVERAL, rng) as several,
    ):
        commits: list[int] = []

        async def send(clicks: _Clicks) -> float:
            # Counting takes CPU time, so it is done for both.
            async with _counting_commits(authority, commits if clicks is hot else []):
                return await clicks.send(load, _HOT_CALLERS, _HOT_CONNECTIONS)

        on_hot, on_several = await _in_turn([hot, several], send, report_progress)
    return [
        Figure.of_ratio(
            "hot_campaign_ratio",
            on_hot,
            on_several,
            reference=f"four campaigns, {Spread.of(on_several).median:,.0f} clicks/s",
            conditions=f"{_HOT_CALLERS} callers, {_HOT_CONNECTIONS} connections, embedded "
            f"PostgreSQL, {Spread.of(on_hot).median:,.0f} clicks/s; up to {max(commits)} commits "
            "in progress at a time",
        )
    ]


async def _in_turn(
    senders: list[_Clicks],
    send: Callable[[_Clicks], Awaitable[float]],
    report_progress: ReportProgress,
) -> list[list[float]]:
    """Send clicks of each in turn; return the clicks per second of each by round."""
    rates: list[list[float]] = [[] for _ in senders]
    for number in range(_ROUNDS + 1):
        report_progress(f"round {number} of {_ROUNDS}")
        for rate, sender in zip(rates, senders, strict=True):
            rate.append(await send(sender))
    for sender in senders:
        await sender.check()
    return [rate[1:] for rate in rates]  # round 0 warms up


@asynccontextmanager
async def _prepared(
    authority: Authority, name: str, shapes: list[MailingShape], rng: random.Random
) -> AsyncIterator[_Clicks]:
    """Create a tenant with a campaign per shape."""
    async with create_tenant(authority, name) as tenant:
        campaign_ids, tokens = [], []
        for number, shape in enumerate(shapes):
            campaign_ids.append(f"{name}-{number}")
            tokens += await tenant.send_campaign(campaign_ids[-1], shape)
        yield _Clicks(authority.target, tenant, campaign_ids, click_requests(tokens, rng))


@asynccontextmanager
async def _counting_commits(authority: Authority, counts: list[int]) -> AsyncIterator[None]:
    """Append to `counts`, every few milliseconds, how many connections commit clicks."""
    connection = await asyncpg.connect(authority.dsn)

    async def sample() -> None:
        while True:
            counts.append(await connection.fetchval(_COMMITTING))
            await asyncio.sleep(_SAMPLE_SECONDS)

    sampling = asyncio.create_task(sample())
    try:
        yield
    finally:
        sampling.cancel()
        await asyncio.wait([sampling])
        await connection.close()
