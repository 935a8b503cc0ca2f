"""`growth_…`, `bytes_per_…`: what the ten millionth event costs, and what all of them take.

200 campaigns go to 2,000 groups, a message and about an event each to a part of a
million contacts. Their events happened in the last four weeks, in the order in
which they are recorded: so they pass from one partition to the next. Minutes lie
between the first and the last: beside each campaign some rows are copied into an
empty table, and what the machine was slower at for that is not counted.
"""

import random
import statistics
import time
from dataclasses import dataclass, field

from bench.asking import Asking
from bench.child import Say
from bench.copying import Copying, opened_copying
from bench.events import Batches
from bench.results import Curve, Figure, Result, Spread
from bench.scenario import SEED, Shape, engagement
from bench.site import Site
from bench.sizes import Sizes, autovacuums, bytes_of_row, sizes
from bench.tenant import Tenant, opened_tenant
from hushpost_client import Mode

__all__ = ["measure_anonymous", "measure_identified"]

_GROUPS = 10
_MESSAGES = 5000
_PARTS = 20
_CAMPAIGNS = 200
_EVENTS = 50_000
_CAMPAIGNS_A_MILLION = 1_000_000 // _EVENTS
_SPAN_SECONDS = 28 * 24 * 3600
"""The authority takes events of up to 30 days ago."""

_PATIENCE_SECONDS = 1500
"""After that, no further million is begun."""

_CALLS = 30
_COPIED = 20_000
_COPIED_AT_A_TIME = 1000
_TABLES = ("events", "counters", "slot_bits", "receipts")


@dataclass(slots=True)
class _Grown:
    """By millions of events: seconds of a report, of a bare answer beside it, and bytes.

    For each campaign also the seconds of an event, and those of a bare row beside it.
    """

    costs: list[list[float]] = field(default_factory=list)
    bare: list[list[float]] = field(default_factory=list)
    answers: list[float] = field(default_factory=list)
    bare_answers: list[float] = field(default_factory=list)
    sizes: list[Sizes] = field(default_factory=list)
    vacuums: int = 0
    row_bytes: float = 0

    @property
    def events(self) -> int:
        """How many were recorded."""
        return len(self.costs) * 1_000_000

    def compared(self, million: int) -> list[float]:
        """Return event ÷ bare row of each campaign of a million."""
        pairs = zip(self.costs[million], self.bare[million], strict=True)
        return [cost / bare for cost, bare in pairs]

    @property
    def bytes_per_event(self) -> float:
        """What an event takes, of all that recording writes."""
        return sum(self.sizes[-1].values()) / self.events


async def measure_identified(site: Site, say: Say) -> list[Result]:
    """Grow with events that name a contact."""
    grown = await _grown(site, say, Mode.IDENTIFIED)
    return [
        _cost("growth_cost_ratio", grown),
        _answers("growth_stats_ratio", grown),
        _bytes("bytes_per_identified_event", grown),
        _bytes_curve("bytes_by_identified_events", grown),
        _cost_curve("cost_by_identified_events", grown),
    ]


async def measure_anonymous(site: Site, say: Say) -> list[Result]:
    """Grow with anonymous events."""
    grown = await _grown(site, say, Mode.ANONYMOUS)
    return [
        _cost("growth_anonymous_cost_ratio", grown),
        _bytes("bytes_per_anonymous_event", grown),
        _bytes_curve("bytes_by_anonymous_events", grown),
        _cost_curve("cost_by_anonymous_events", grown),
    ]


async def _grown(site: Site, say: Say, mode: Mode) -> _Grown:
    grown = _Grown()
    end = time.monotonic() + _PATIENCE_SECONDS
    async with (
        opened_tenant(site, "growth", mode) as tenant,
        opened_copying(site.dsn, 1) as copying,
    ):
        for part in range(_PARTS):
            say(f"making contacts known, part {part + 1} of {_PARTS}")
            await tenant.send(f"welcome-{part}", Shape(_GROUPS, _MESSAGES, part))
        campaigns, asking = _Campaigns(tenant, copying), Asking(tenant)
        for first in range(0, _CAMPAIGNS, _CAMPAIGNS_A_MILLION):
            if time.monotonic() > end:
                break
            pairs = []
            for number in range(first, first + _CAMPAIGNS_A_MILLION):
                say(f"{number * _EVENTS:,} of {_CAMPAIGNS * _EVENTS:,} events recorded")
                pairs.append(await campaigns.seconds(number))
            grown.costs.append([cost for cost, _ in pairs])
            grown.bare.append([bare for _, bare in pairs])
            grown.answers.append(await asking.seconds("mailing-0", _CALLS))
            grown.bare_answers.append(await asking.bare_seconds("mailing-0", _CALLS))
            grown.sizes.append(await sizes(site, *_TABLES))
    grown.vacuums = await autovacuums(site)
    grown.row_bytes = await bytes_of_row(site)
    return grown


class _Campaigns:
    """Sends one campaign after the other, and records what people did."""

    def __init__(self, tenant: Tenant, copying: Copying) -> None:
        self._tenant = tenant
        self._copying = copying
        self._batches = Batches(tenant)
        self._rng = random.Random(SEED)
        self._start = time.time() - _SPAN_SECONDS

    async def seconds(self, number: int) -> tuple[float, float]:
        """Return what an event of a fresh campaign takes, and a bare row beside it."""
        campaign_id = f"mailing-{number}"
        shape = Shape(_GROUPS, _MESSAGES, number % _PARTS)
        tokens = await self._tenant.send(campaign_id, shape)
        moment = self._start + (number + 1) / _CAMPAIGNS * _SPAN_SECONDS
        events = engagement(tokens, self._rng, moment)[:_EVENTS]
        assert len(events) == _EVENTS
        speed = await self._batches.rate(campaign_id, events, self._rng)
        await self._copying.clear()
        bare = await self._copying.rate(_COPIED, _COPIED_AT_A_TIME, 1, self._rng)
        return 1 / speed, 1 / bare


def _shape() -> str:
    return (
        f"{_GROUPS:,} groups of {_MESSAGES:,} messages a campaign, "
        f"{_PARTS * _GROUPS * _MESSAGES:,} contacts"
    )


def _cost(name: str, grown: _Grown) -> Figure:
    base = statistics.median(grown.compared(0))
    samples = [compared / base for compared in grown.compared(-1)]
    first, last = (statistics.median(grown.costs[million]) * 1e6 for million in (0, -1))
    return Figure.of(
        name,
        samples,
        "ratio",
        reference=f"an event of the first million, {first:.1f} µs, each ÷ a bare row copied beside "
        "it",
        ratio=statistics.median(samples),
        conditions=f"an event of the last million of {grown.events:,}, {last:.1f} µs; "
        f"{base:.2f} rows then, {statistics.median(grown.compared(-1)):.2f} now; {_shape()}; "
        f"autovacuum went through tables {grown.vacuums} times",
    )


def _answers(name: str, grown: _Grown) -> Figure:
    pairs = zip(grown.answers, grown.bare_answers, strict=True)
    compared = [answer / bare for answer, bare in pairs]
    ratios = [each / compared[0] for each in compared]
    return Figure(
        name=name,
        value=ratios[-1],
        unit="ratio",
        reference=f"after the first million, {grown.answers[0] * 1000:.2f} ms, each ÷ GetCampaign "
        "beside it",
        ratio=ratios[-1],
        low=min(ratios),
        high=max(ratios),
        rounds=len(ratios),
        conditions=f"GetCampaignStats of one campaign while {_CAMPAIGNS} others join it, "
        f"{grown.answers[-1] * 1000:.2f} ms in the end",
    )


def _bytes(name: str, grown: _Grown) -> Figure:
    found = ", ".join(
        f"{table} {size / grown.events:.2f}" for table, size in grown.sizes[-1].items()
    )
    each = [
        sum(at.values()) / ((million + 1) * 1_000_000) for million, at in enumerate(grown.sizes)
    ]
    return Figure(
        name=name,
        value=grown.bytes_per_event,
        unit="bytes",
        reference=f"a row per event with the same two indexes, {grown.row_bytes:.0f} bytes",
        ratio=grown.bytes_per_event / grown.row_bytes,
        low=Spread.of(each).low,
        high=Spread.of(each).high,
        rounds=len(each),
        conditions=f"{grown.events:,} events, about one a message; {_shape()}; by table, with "
        f"indexes: {found}",
    )


def _bytes_curve(name: str, grown: _Grown) -> Curve:
    x = [million * 1_000_000 for million in range(1, len(grown.sizes) + 1)]
    return Curve(
        name,
        "events recorded",
        "bytes an event",
        x,
        {
            table: [at[table] / events for at, events in zip(grown.sizes, x, strict=True)]
            for table in _TABLES
        },
        _shape(),
    )


def _cost_curve(name: str, grown: _Grown) -> Curve:
    return Curve(
        name,
        "events recorded",
        "microseconds an event",
        [million * 1_000_000 for million in range(1, len(grown.costs) + 1)],
        {
            "RecordEvents, durable": [statistics.median(costs) * 1e6 for costs in grown.costs],
            "bare COPY": [statistics.median(costs) * 1e6 for costs in grown.bare],
        },
        f"median of {_CAMPAIGNS_A_MILLION} campaigns each; {_shape()}",
    )
