"""`stats_growth`: cost of a campaign's statistics after 10 million events ÷ after 10,000."""

import random
import time
from collections.abc import Sequence
from statistics import fmean

import asyncpg

from bench.authority import Authority
from bench.child_process import ReportProgress
from bench.load.call_load_process import CallLoad
from bench.load.event_batches import BATCH, IN_FLIGHT
from bench.load.prepared_batches import PreparedBatches
from bench.results import Curve, Figure, Result, Spread, format_number, ratios
from bench.scenario import SEED, MailingShape
from bench.tenant import Tenant, create_tenant
from hushpost.v1 import stats_pb2 as pb
from hushpost.v1.stats_pb2_grpc import StatsServiceStub

__all__ = ["measure"]

_SHAPE = MailingShape(20, 5000)
_OPTED_OUT = 0.2
_STEPS = (10_000, 100_000, 1_000_000, 10_000_000)
_CALLS = 10
_ROUNDS = 31
_TIMEOUT = 30
_CONDITIONS = f"{_SHAPE.groups} groups, {_SHAPE.total_messages:,} messages"

_ROWS = """
select campaign_id,
    (select count(*) from counters where (tenant, campaign) = (found.tenant, found.campaign))
    + (select count(*) from slot_bits where (tenant, campaign) = (found.tenant, found.campaign))
from campaigns as found
"""
"""What a report reads and what events can add: a counter or a bitmap of each kind, once."""

_Rounds = list[tuple[float, float]]
"""Seconds of a report about the small campaign and about the growing one, by round."""


class _Campaign:
    """A campaign with a growing number of events."""

    def __init__(
        self, load: CallLoad, batches: PreparedBatches, tenant: Tenant, campaign_id: str
    ) -> None:
        self._load = load
        self._batches = batches
        self._campaign_id = campaign_id
        self._recorded = 0
        self._stub = StatsServiceStub(tenant.channel)
        self._metadata = tenant.reporter_metadata

    async def grow_to(self, events: int) -> None:
        """Record events until the campaign has this many."""
        missing = events - self._recorded
        calls = self._batches.take(missing // BATCH)
        (await self._load.run_callers(calls, IN_FLIGHT)).check()
        self._recorded = events

    async def measure_stats_call(self) -> float:
        """Return the seconds of a `GetCampaignStats` call."""
        request = pb.GetCampaignStatsRequest(campaign_id=self._campaign_id)
        start = time.perf_counter()
        await self._stub.GetCampaignStats(request, metadata=self._metadata, timeout=_TIMEOUT)
        return time.perf_counter() - start


async def measure(authority: Authority, report_progress: ReportProgress) -> list[Result]:
    """Let one of two campaigns grow, and read the statistics of both in turn."""
    rng = random.Random(SEED)
    async with CallLoad() as load, create_tenant(authority, "stats") as tenant:
        report_progress("issuing tokens")
        await tenant.opt_out(_SHAPE.opted_out(_OPTED_OUT))
        campaigns = []
        for name in ("small", "growing"):
            tokens = await tenant.send_campaign(name, _SHAPE)
            batches = PreparedBatches(authority.target, tenant, tokens, rng)
            campaigns.append(_Campaign(load, batches, tenant, name))
        small, growing = campaigns
        await small.grow_to(_STEPS[0])
        steps = []
        for events in _STEPS:
            report_progress(f"growing to {events:,} events")
            await growing.grow_to(events)
            report_progress(f"reading statistics after {events:,} events")
            rounds = [await _measure_round(small, growing) for _ in range(_ROUNDS + 1)]
            steps.append(rounds[1:])  # round 0 warms up
        counted = await tenant.count_events("growing")
    assert counted == _STEPS[-1], f"{counted:,} events counted"
    rows = await _rows(authority)
    bare, ours = zip(*steps[-1], strict=True)
    figure = Figure.of_ratio(
        "stats_growth",
        ours,
        bare,
        reference=f"GetCampaignStats over {_STEPS[0]:,} events, "
        f"{Spread.of(bare).median * 1000:.2f} ms",
        conditions=f"{_STEPS[-1]:,} events: {Spread.of(ours).median * 1000:.2f} ms; {_CONDITIONS}; "
        f"counters and bitmaps: {rows['small']:,} after {_STEPS[0]:,} events, "
        f"{rows['growing']:,} after {_STEPS[-1]:,}; ratio by events: {_ratios(steps)}",
    )
    return [figure, _curve(steps)]


async def _measure_round(small: _Campaign, growing: _Campaign) -> tuple[float, float]:
    """Return the mean seconds of a call for either campaign.

    The calls alternate, so that both campaigns share what the machine does meanwhile.
    """
    pairs = [
        (await small.measure_stats_call(), await growing.measure_stats_call())
        for _ in range(_CALLS)
    ]
    bare, ours = zip(*pairs, strict=True)
    return fmean(bare), fmean(ours)


async def _rows(authority: Authority) -> dict[str, int]:
    """Return the number of counters and bitmaps of each campaign."""
    connection = await asyncpg.connect(authority.dsn)
    try:
        return dict(map(tuple, await connection.fetch(_ROWS)))
    finally:
        await connection.close()


def _ratios(steps: Sequence[_Rounds]) -> str:
    """Return the ratio after each step, in words."""
    return ", ".join(
        f"{events:,} {format_number(ratios(ours, bare).median)}"
        for events, rounds in zip(_STEPS, steps, strict=True)
        for bare, ours in [tuple(zip(*rounds, strict=True))]
    )


def _curve(steps: Sequence[_Rounds]) -> Curve:
    return Curve(
        "stats_by_events",
        "events of the campaign",
        "ms per GetCampaignStats call",
        _STEPS,
        {
            "growing campaign": [
                Spread.of([growing for _, growing in rounds]).median * 1000 for rounds in steps
            ],
            f"campaign with {_STEPS[0]:,} events": [
                Spread.of([small for small, _ in rounds]).median * 1000 for rounds in steps
            ],
        },
        _CONDITIONS,
    )
