"""`growth_…`, `bytes_per_…`: what the ten millionth event costs, and what all of them take.

200 campaigns go to 2,000 groups, a message and about an event each to a part of a
million contacts. Their events happened in the last four weeks, in the order in
which they are recorded: so they pass from one partition to the next.
"""

import random
import statistics
import time
from dataclasses import dataclass, field

from bench.asking import Asking
from bench.child import Say
from bench.events import Batches
from bench.results import Curve, Figure, Result, Spread
from bench.scenario import SEED, Shape, engagement
from bench.site import Site
from bench.sizes import Sizes, autovacuums, bytes_of_row, sizes
from bench.tenant import opened_tenant
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
_TABLES = ("events", "counters", "slot_bits", "receipts")


@dataclass(slots=True)
class _Grown:
    """By millions of events: seconds of each campaign, an answer's seconds, bytes."""

    costs: list[list[float]] = field(default_factory=list)
    answers: list[float] = field(default_factory=list)
    sizes: list[Sizes] = field(default_factory=list)
    vacuums: int = 0
    row_bytes: float = 0

    @property
    def events(self) -> int:
        """How many were recorded."""
        return len(self.costs) * 1_000_000

    @property
    def bytes_per_event(self) -> float:
        """What an event takes, of all that recording writes."""
        return sum(self.sizes[-1].values()) / self.events


async def measure_identified(site: Site, say: Say) -> list[Result]:
    """Grow with events that name a contact."""
    grown = await _grown(site, say, Mode.IDENTIFIED)
    answers = Figure(
        name="growth_stats_ratio",
        value=grown.answers[-1] / grown.answers[0],
        unit="ratio",
        reference=f"after the first million, {grown.answers[0] * 1000:.2f} ms",
        ratio=grown.answers[-1] / grown.answers[0],
        low=min(grown.answers) / grown.answers[0],
        high=max(grown.answers) / grown.answers[0],
        rounds=len(grown.answers),
        conditions=f"GetCampaignStats of one campaign while {_CAMPAIGNS} others join it, "
        f"{grown.answers[-1] * 1000:.2f} ms in the end",
    )
    return [
        _cost("growth_cost_ratio", grown),
        answers,
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
    rng = random.Random(SEED)
    end = time.monotonic() + _PATIENCE_SECONDS
    start = time.time() - _SPAN_SECONDS
    async with opened_tenant(site, "growth", mode) as tenant:
        for part in range(_PARTS):
            say(f"making contacts known, part {part + 1} of {_PARTS}")
            await tenant.send(f"welcome-{part}", Shape(_GROUPS, _MESSAGES, part))
        batches, asking = Batches(tenant), Asking(tenant)
        for number in range(_CAMPAIGNS):
            if number % _CAMPAIGNS_A_MILLION == 0:
                if time.monotonic() > end:
                    break
                grown.costs.append([])
            say(f"{number * _EVENTS:,} of {_CAMPAIGNS * _EVENTS:,} events recorded")
            shape = Shape(_GROUPS, _MESSAGES, number % _PARTS)
            tokens = await tenant.send(f"mailing-{number}", shape)
            moment = start + (number + 1) / _CAMPAIGNS * _SPAN_SECONDS
            events = engagement(tokens, rng, moment)[:_EVENTS]
            assert len(events) == _EVENTS
            speed = await batches.rate(f"mailing-{number}", events, rng)
            grown.costs[-1].append(1 / speed)
            if number % _CAMPAIGNS_A_MILLION == _CAMPAIGNS_A_MILLION - 1:
                grown.answers.append(await asking.seconds("mailing-0", _CALLS))
                grown.sizes.append(await sizes(site, *_TABLES))
    grown.vacuums = await autovacuums(site)
    grown.row_bytes = await bytes_of_row(site)
    return grown


def _shape() -> str:
    return (
        f"{_GROUPS:,} groups of {_MESSAGES:,} messages a campaign, "
        f"{_PARTS * _GROUPS * _MESSAGES:,} contacts"
    )


def _cost(name: str, grown: _Grown) -> Figure:
    first, last = grown.costs[0], grown.costs[-1]
    base = statistics.median(first)
    return Figure.of(
        name,
        [cost / base for cost in last],
        "ratio",
        reference=f"an event of the first million, {base * 1e6:.1f} µs",
        ratio=statistics.median(last) / base,
        conditions=f"an event of the last million of {grown.events:,}, "
        f"{statistics.median(last) * 1e6:.1f} µs; {_shape()}; "
        f"autovacuum went through tables {grown.vacuums} times",
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
        {"RecordEvents, durable": [statistics.median(costs) * 1e6 for costs in grown.costs]},
        f"median of {_CAMPAIGNS_A_MILLION} campaigns each; {_shape()}",
    )
