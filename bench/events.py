"""`record_events_…`: durable events a second in batches, beside a bare COPY of rows."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from bench.child import Say
from bench.copying import Copying, opened_copying
from bench.load import rate
from bench.results import Figure, Result, Spread, ratios
from bench.scenario import SEED, Shape, batches, engagement
from bench.site import Site
from bench.tenant import Tenant, check_recorded, opened_tenant
from hushpost.v1 import tracking_pb2 as pb
from hushpost.v1.tracking_pb2_grpc import TrackingServiceStub
from hushpost_client import Mode

__all__ = ["Batches", "measure_anonymous", "measure_identified", "measure_mixed"]

_IN_FLIGHT = 16
_BATCH = 1000
_COPYING = (1, _IN_FLIGHT)
"""Connections that copy, each with a batch in flight."""

_SHAPE = Shape(20, 5000)
_OPTED_OUT = 0.2
_TIMEOUT = 30


async def measure_mixed(site: Site, say: Say) -> list[Result]:
    """Measure a mailing to identified people and some who opted out."""
    measured = await _measured(site, say, Mode.IDENTIFIED, _OPTED_OUT, rounds=5)
    conditions = f"{_OPTED_OUT:.0%} anonymous, {_IN_FLIGHT} batches of {_BATCH:,} in flight"
    return [
        measured.figure("record_events_per_second", conditions),
        measured.beside("record_events_vs_copy", 1, conditions),
        measured.beside("record_events_vs_concurrent_copy", _IN_FLIGHT, conditions),
    ]


async def measure_identified(site: Site, say: Say) -> list[Result]:
    """Measure a mailing to identified people alone."""
    measured = await _measured(site, say, Mode.IDENTIFIED, 0, rounds=3)
    return [measured.figure("record_events_identified_per_second", "all identified")]


async def measure_anonymous(site: Site, say: Say) -> list[Result]:
    """Measure a mailing to anonymous people alone."""
    measured = await _measured(site, say, Mode.ANONYMOUS, 0, rounds=3)
    return [measured.figure("record_events_anonymous_per_second", "all anonymous")]


@dataclass(slots=True)
class _Measured:
    """Events per second of each round; rows per second by connections that copied."""

    ours: list[float] = field(default_factory=list)
    bare: dict[int, list[float]] = field(
        default_factory=lambda: {connections: [] for connections in _COPYING}
    )

    def figure(self, name: str, conditions: str) -> Figure:
        """Return events per second."""
        beside = self.beside(name, _COPYING[0], conditions)
        spread = Spread.of(self.ours)
        return replace(
            beside, value=spread.median, low=spread.low, high=spread.high, unit="events/s"
        )

    def beside(self, name: str, connections: int, conditions: str) -> Figure:
        """Return events per second ÷ rows per second."""
        bare = self.bare[connections]
        ratio = ratios(self.ours, bare)
        return Figure(
            name=name,
            value=ratio.median,
            unit="ratio",
            reference=f"bare asyncpg COPY by {connections}, {Spread.of(bare).median:,.0f} rows/s",
            ratio=ratio.median,
            low=ratio.low,
            high=ratio.high,
            rounds=len(self.ours),
            conditions=conditions,
        )


class Batches:
    """Sends events of a tenant in batches, and knows how many were taken."""

    def __init__(self, tenant: Tenant) -> None:
        self._stub = TrackingServiceStub(tenant.channel)
        self._metadata = tenant.edge
        self._tenant = tenant

    async def send(self, events: Sequence[pb.Event], rng: random.Random) -> float:
        """Record whole batches of events; return events per second."""
        requests = list(batches(events, _BATCH, rng))
        return await rate(self.record, requests, len(requests) * _BATCH, _IN_FLIGHT)

    async def rate(self, campaign_id: str, events: Sequence[pb.Event], rng: random.Random) -> float:
        """Record all of a campaign's events; check that, and return events per second."""
        speed = await self.send(events, rng)
        sent = len(events) // _BATCH * _BATCH
        opens = sum(event.link_number == 0 for event in events[:sent])
        stats = await self._tenant.reporter.stats.get_campaign_stats(campaign_id)
        check_recorded(stats, opens, sent - opens)
        return speed

    async def record(self, request: pb.RecordEventsRequest) -> None:
        """Record a batch of any size."""
        answer = await self._stub.RecordEvents(request, metadata=self._metadata, timeout=_TIMEOUT)
        assert answer.accepted_count == len(request.events), answer


async def _measured(
    site: Site, say: Say, mode_when_unset: Mode, opted_out: float, *, rounds: int
) -> _Measured:
    """Record a fresh campaign, then copy as many rows, turn by turn."""
    async with (
        opened_tenant(site, "events", mode_when_unset) as tenant,
        opened_copying(site.dsn, _IN_FLIGHT) as copying,
    ):
        await tenant.opt_out(_SHAPE.opted_out(opted_out))
        measured = _Measured()
        for turn in range(rounds + 1):
            say(f"round {turn} of {rounds}")
            ours, bare = await _round(tenant, copying, turn)
            if turn:  # the first one warms up
                measured.ours.append(ours)
                for connections, speed in bare.items():
                    measured.bare[connections].append(speed)
        await copying.check()
    return measured


async def _round(tenant: Tenant, copying: Copying, turn: int) -> tuple[float, dict[int, float]]:
    """Return events per second, and rows per second by connections.

    Each round has a campaign of its own: a second event of a message costs less
    than a first one.
    """
    rng = random.Random(SEED + turn)
    campaign_id = f"mailing-{turn}"
    events = engagement(await tenant.send(campaign_id, _SHAPE), rng)
    ours = await Batches(tenant).rate(campaign_id, events, rng)
    rows = len(events) // _BATCH * _BATCH
    return ours, {
        connections: await copying.rate(rows, _BATCH, connections, rng) for connections in _COPYING
    }
