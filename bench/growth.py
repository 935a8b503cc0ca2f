"""`stats_growth`: what a campaign's numbers cost after a million events, and after 10,000."""

import random
import time

from bench.child import Say
from bench.events import Batches
from bench.results import Figure, Spread, ratios
from bench.scenario import SEED, Shape, engagement
from bench.site import Site
from bench.tenant import Metadata, Tenant, opened_tenant
from hushpost.v1 import stats_pb2 as pb
from hushpost.v1 import tracking_pb2
from hushpost.v1.stats_pb2_grpc import StatsServiceStub

__all__ = ["measure"]

_SHAPE = Shape(20, 5000)
_OPTED_OUT = 0.2
_FEW = 10_000
_MANY = 1_000_000
_CALLS = 10
_ROUNDS = 31
_TIMEOUT = 30


async def measure(site: Site, say: Say) -> list[Figure]:
    """Record two campaigns of one shape, then ask for their numbers, turn by turn."""
    async with opened_tenant(site, "growth") as tenant:
        await tenant.opt_out(_SHAPE.opted_out(_OPTED_OUT))
        await _record(tenant, "few", _FEW, say)
        await _record(tenant, "many", _MANY, say)
        say("asking for numbers")
        few, many = [], []
        for turn in range(_ROUNDS + 1):
            seconds = await _seconds(tenant, "few"), await _seconds(tenant, "many")
            if turn:  # the first one warms up
                few.append(seconds[0])
                many.append(seconds[1])
    ratio = ratios(many, few)
    return [
        Figure(
            name="stats_growth",
            value=ratio.median,
            unit="ratio",
            reference=f"GetCampaignStats over {_FEW:,} events, "
            f"{Spread.of(few).median * 1000:.2f} ms",
            ratio=ratio.median,
            low=ratio.low,
            high=ratio.high,
            rounds=_ROUNDS,
            conditions=f"{_MANY:,} events: {Spread.of(many).median * 1000:.2f} ms; "
            f"{_SHAPE.groups} groups, {_SHAPE.groups * _SHAPE.messages:,} messages",
        )
    ]


async def _record(tenant: Tenant, campaign_id: str, count: int, say: Say) -> None:
    """Send a campaign and record that many events of it."""
    rng = random.Random(SEED)
    tokens = await tenant.send(campaign_id, _SHAPE)
    events: list[tracking_pb2.Event] = []
    while len(events) < count:
        say(f"{campaign_id}: {len(events):,} events of {count:,} made")
        events += engagement(tokens, rng)
    say(f"{campaign_id}: recording {count:,} events")
    await Batches(tenant).rate(campaign_id, events[:count], rng)


async def _seconds(tenant: Tenant, campaign_id: str) -> float:
    """Return what one answer takes."""
    stub = StatsServiceStub(tenant.channel)
    request = pb.GetCampaignStatsRequest(campaign_id=campaign_id)
    metadata: Metadata = tenant.reporter_metadata
    start = time.perf_counter()
    for _ in range(_CALLS):
        await stub.GetCampaignStats(request, metadata=metadata, timeout=_TIMEOUT)
    return (time.perf_counter() - start) / _CALLS
