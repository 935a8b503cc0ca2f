"""`overload_…`: what becomes of the authority when more comes than it can take.

Batches are due at 2, 4 and 10 times of what it can take; then at half of that. It
shall record as much as ever, refuse the rest at once, and be itself again soon.
"""

import random
from collections.abc import Callable, Sequence

from bench.bursts import BURST_SECONDS, Burst, Bursts
from bench.child import Say
from bench.memory import watched
from bench.prepared import BATCH, Prepared
from bench.results import Curve, Figure, Result, Spread
from bench.scenario import SEED, Shape
from bench.site import Site
from bench.tenant import opened_tenant

__all__ = ["measure"]

_SHAPE = Shape(20, 5000)
_OPTED_OUT = 0.2
_MULTIPLES = (2, 4, 10)
_ROUNDS = 3
_CAMPAIGN = "overload"


async def measure(site: Site, say: Say) -> list[Result]:
    """Send bursts of each size, turn by turn."""
    rng = random.Random(SEED)
    found: dict[int, list[Burst]] = {multiple: [] for multiple in _MULTIPLES}
    async with opened_tenant(site, "overload") as tenant:
        say("sending mail")
        await tenant.opt_out(_SHAPE.opted_out(_OPTED_OUT))
        bursts = Bursts(Prepared(tenant, await tenant.send(_CAMPAIGN, _SHAPE), rng))
        say("warming up")
        await bursts.peak()
        async with watched(site.pid) as held:
            before = held.now()
            for turn in range(_ROUNDS):
                for multiple in _MULTIPLES:
                    say(f"{multiple} times the load, round {turn + 1} of {_ROUNDS}")
                    found[multiple].append(await bursts.burst(multiple, held.now))
        stats = await tenant.reporter.stats.get_campaign_stats(_CAMPAIGN)
    counted = sum(
        part.identified.total + part.anonymous.total
        for signal in (stats.opens, stats.clicks)
        for part in (signal.human, signal.machine)
    )
    most = bursts.recorded + bursts.unknown
    assert bursts.recorded <= counted <= most, (
        f"{bursts.recorded} … {most} events, {counted} counted"
    )
    return [*_figures(found, before, held.most), _curve(found)]


def _figures(found: dict[int, list[Burst]], before: float, most: float) -> list[Figure]:
    def worst(
        name: str, unit: str, value: Callable[[Burst], float], *, reference: str = ""
    ) -> Figure:
        by_multiple = {
            multiple: [value(burst) for burst in bursts] for multiple, bursts in found.items()
        }
        pick = min if name.endswith("_ratio") else max
        multiple = pick(by_multiple, key=lambda each: Spread.of(by_multiple[each]).median)
        shares = "; ".join(_said(multiple, bursts) for multiple, bursts in found.items())
        samples = by_multiple[multiple]
        return Figure.of(
            name,
            samples,
            unit,
            reference=reference,
            ratio=Spread.of(samples).median if unit == "ratio" else None,
            conditions=f"the worst: {multiple} times; {shares}; bursts of {BURST_SECONDS:.0f} s "
            f"in batches of {BATCH:,}, {_OPTED_OUT:.0%} anonymous",
        )

    peaks = [burst.peak for bursts in found.values() for burst in bursts]
    peak = f"the peak as fast as answers come, {Spread.of(peaks).median:,.0f} events/s"
    memory = Figure.of(
        "overload_memory_mib",
        [most],
        "MiB",
        reference=f"resident before the bursts, {before:,.0f} MiB",
        ratio=most / before,
        conditions="the most that the authority held resident, over all bursts",
    )
    return [
        worst(
            "overload_throughput_ratio",
            "ratio",
            lambda burst: burst.throughput / burst.peak,
            reference=peak,
        ),
        worst("overload_refusal_p99_ms", "ms", lambda burst: burst.refusal_p99 * 1000),
        worst("overload_recovery_seconds", "s", lambda burst: burst.recovery),
        memory,
    ]


def _said(multiple: int, bursts: Sequence[Burst]) -> str:
    def median(values: Sequence[float]) -> float:
        return Spread.of(values).median

    return (
        f"{multiple} times: {median([burst.due for burst in bursts]):,.0f} events/s due, "
        f"{median([burst.throughput for burst in bursts]):,.0f} recorded, "
        f"{median([burst.refused for burst in bursts]):.0%} of calls refused, "
        f"{median([burst.lost for burst in bursts]):.0%} unanswered, "
        f"p99 {median([burst.recorded_p99 for burst in bursts]):.2f} s"
    )


def _curve(found: dict[int, list[Burst]]) -> Curve:
    def of(value: Callable[[Burst], float]) -> list[float]:
        return [Spread.of([value(burst) for burst in bursts]).median for bursts in found.values()]

    peak = Spread.of([burst.peak for bursts in found.values() for burst in bursts]).median
    return Curve(
        "recorded_by_load",
        "events a second that are due",
        "events a second that are recorded",
        [peak, *of(lambda burst: burst.due)],
        {"RecordEvents, durable": [peak, *of(lambda burst: burst.throughput)]},
        f"bursts of {BURST_SECONDS:.0f} s at {', '.join(map(str, _MULTIPLES))} times the peak",
    )
