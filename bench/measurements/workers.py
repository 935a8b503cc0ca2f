"""`workers_gain` and `hot_campaign_ratio`: single clicks with two workers and with one process."""

import random
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import islice

from bench.authority import Authority, running_authority
from bench.child_process import ReportProgress
from bench.load.call_load_process import CallLoad
from bench.load.rpc_clicks import click_calls, click_requests
from bench.results import Figure, Result, Spread
from bench.scenario import SEED, MailingShape
from bench.tenant import Tenant, create_tenant, total
from hushpost.v1 import tracking_pb2 as pb

__all__ = ["measure"]

_CALLERS = 64
_CONNECTIONS = 16
_CALLS = 8_000
_ROUNDS = 5
_SEVERAL = [MailingShape(20, 250, part) for part in range(4)]
_HOT = [MailingShape(1, 20_000, 4)]


@dataclass(frozen=True, slots=True)
class _Clicks:
    """Clicks on messages of campaigns of one authority, without end."""

    target: str
    tenant: Tenant
    campaign_ids: list[str]
    requests: Iterator[pb.RecordClickRequest]

    async def send(self, load: CallLoad) -> float:
        """Send some clicks; return clicks per second."""
        clicks = list(islice(self.requests, _CALLS))
        calls = click_calls(self.target, self.tenant.edge_authorization, clicks, _CONNECTIONS)
        result = await load.run_callers(calls, _CALLERS)
        result.check()
        return result.calls_per_second

    async def check(self) -> None:
        """Assert that all campaigns together counted every click."""
        reports = [
            await self.tenant.reporter.stats.get_campaign_stats(campaign_id)
            for campaign_id in self.campaign_ids
        ]
        assert sum(total(report.clicks) for report in reports) == _CALLS * (_ROUNDS + 1)


async def measure(authority: Authority, report_progress: ReportProgress) -> list[Result]:
    """Send clicks to two workers and to one process in turn."""
    rng = random.Random(SEED)
    several, hot, alone = [], [], []
    with running_authority(pin_to_cpu=False) as single:
        async with (
            CallLoad() as load,
            _prepared(authority, "several", _SEVERAL, rng) as on_several,
            _prepared(authority, "hot", _HOT, rng) as on_hot,
            _prepared(single, "alone", _SEVERAL, rng) as on_single,
        ):
            for number in range(_ROUNDS + 1):
                report_progress(f"round {number} of {_ROUNDS}")
                several.append(await on_several.send(load))
                hot.append(await on_hot.send(load))
                alone.append(await on_single.send(load))
            for clicks in (on_several, on_hot, on_single):
                await clicks.check()
    conditions = f"{_CALLERS} callers, {_CONNECTIONS} connections, embedded PostgreSQL"
    return [  # round 0 warms up
        Figure.of_ratio(
            "workers_gain",
            several[1:],
            alone[1:],
            reference=f"one process, {Spread.of(alone[1:]).median:,.0f} clicks/s",
            conditions=conditions,
        ),
        Figure.of_ratio(
            "hot_campaign_ratio",
            hot[1:],
            several[1:],
            reference=f"four campaigns, {Spread.of(several[1:]).median:,.0f} clicks/s",
            conditions=conditions,
        ),
    ]


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
