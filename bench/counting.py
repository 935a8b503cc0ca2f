"""`stats_growth`: what a campaign's numbers cost after ten million events, and after 10,000."""

import random

from bench.asking import Asking
from bench.child import Say
from bench.load import rate
from bench.prepared import BATCH, Prepared
from bench.results import Curve, Figure, Result, Spread
from bench.scenario import SEED, Shape
from bench.site import Site
from bench.tenant import Tenant, opened_tenant

__all__ = ["measure"]

_SHAPE = Shape(20, 5000)
_OPTED_OUT = 0.2
_STEPS = (10_000, 100_000, 1_000_000, 10_000_000)
_IN_FLIGHT = 16
_CALLS = 10
_ROUNDS = 31


class _Campaign:
    """A campaign that more and more events are recorded of."""

    def __init__(self, name: str, prepared: Prepared) -> None:
        self.name = name
        self._prepared = prepared
        self._recorded = 0

    async def grow(self, events: int) -> None:
        """Record until there are so many."""
        missing = events - self._recorded
        batches = self._prepared.batches(missing // BATCH)
        await rate(self._prepared.record, batches, missing, _IN_FLIGHT)
        self._recorded = events


async def measure(site: Site, say: Say) -> list[Result]:
    """Let one of two campaigns grow, and ask for the numbers of both, turn by turn."""
    async with opened_tenant(site, "counting") as tenant:
        say("sending mail")
        await tenant.opt_out(_SHAPE.opted_out(_OPTED_OUT))
        few, many = [await _campaign(tenant, name) for name in ("few", "many")]
        await few.grow(_STEPS[0])
        asking = Asking(tenant)
        steps = []
        for events in _STEPS:
            say(f"growing to {events:,} events")
            await many.grow(events)
            say(f"asking for numbers after {events:,} events")
            pairs = [
                (await asking.seconds("few", _CALLS), await asking.seconds("many", _CALLS))
                for _ in range(_ROUNDS + 1)
            ]
            steps.append(pairs[1:])  # the first one warms up
        await _check(tenant)
    bare, ours = zip(*steps[-1], strict=True)
    figure = Figure.of_ratio(
        "stats_growth",
        ours,
        bare,
        reference=f"GetCampaignStats over {_STEPS[0]:,} events, "
        f"{Spread.of(bare).median * 1000:.2f} ms",
        conditions=f"{_STEPS[-1]:,} events: {Spread.of(ours).median * 1000:.2f} ms; {_shape()}",
    )
    return [figure, _curve(steps)]


async def _campaign(tenant: Tenant, name: str) -> _Campaign:
    tokens = await tenant.send(name, _SHAPE)
    # By name: the request ids of two campaigns must differ.
    return _Campaign(name, Prepared(tenant, tokens, random.Random(f"{SEED} {name}")))


async def _check(tenant: Tenant) -> None:
    """Make sure that all was counted, once."""
    stats = await tenant.reporter.stats.get_campaign_stats("many")
    counted = sum(
        part.identified.total + part.anonymous.total
        for signal in (stats.opens, stats.clicks)
        for part in (signal.human, signal.machine)
    )
    assert counted == _STEPS[-1], f"{counted:,} events counted"


def _shape() -> str:
    return f"{_SHAPE.groups} groups, {_SHAPE.groups * _SHAPE.messages:,} messages"


def _curve(steps: list[list[tuple[float, float]]]) -> Curve:
    return Curve(
        "stats_by_events",
        "events of the campaign",
        "milliseconds an answer",
        _STEPS,
        {
            "GetCampaignStats": [
                Spread.of([many for _, many in pairs]).median * 1000 for pairs in steps
            ],
            f"of a campaign that stays at {_STEPS[0]:,}": [
                Spread.of([few for few, _ in pairs]).median * 1000 for pairs in steps
            ],
        },
        _shape(),
    )
