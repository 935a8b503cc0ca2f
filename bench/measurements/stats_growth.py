"""`stats_growth`: cost of a campaign's statistics after 10 million events ÷ after 10,000."""

import random
import time

from bench.authority import Authority
from bench.child_process import ReportProgress
from bench.load.call_load_process import CallLoad
from bench.load.event_batches import BATCH, IN_FLIGHT
from bench.load.prepared_batches import PreparedBatches
from bench.results import Curve, Figure, Result, Spread
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
        """Return the mean seconds of a `GetCampaignStats` call."""
        request = pb.GetCampaignStatsRequest(campaign_id=self._campaign_id)
        start = time.perf_counter()
        for _ in range(_CALLS):
            await self._stub.GetCampaignStats(request, metadata=self._metadata, timeout=_TIMEOUT)
        return (time.perf_counter() - start) / _CALLS


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
            rounds = [
                (await small.measure_stats_call(), await growing.measure_stats_call())
                for _ in range(_ROUNDS + 1)
            ]
            steps.append(rounds[1:])  # round 0 warms up
        counted = await tenant.count_events("growing")
    assert counted == _STEPS[-1], f"{counted:,} events counted"
    bare, ours = zip(*steps[-1], strict=True)
    figure = Figure.of_ratio(
        "stats_growth",
        ours,
        bare,
        reference=f"GetCampaignStats over {_STEPS[0]:,} events, "
        f"{Spread.of(bare).median * 1000:.2f} ms",
        conditions=f"{_STEPS[-1]:,} events: {Spread.of(ours).median * 1000:.2f} ms; {_CONDITIONS}",
    )
    return [figure, _curve(steps)]


def _curve(steps: list[list[tuple[float, float]]]) -> Curve:
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
