"""`overload_…`: what becomes of the authority when more comes than it can take.

Batches are due at 2, 4 and 10 times of what it can take; then at half of that. It
shall record as much as ever, refuse the rest at once, and be itself again soon.
"""

import random
from collections.abc import Callable, Sequence

from bench.bursts import AFTER_SECONDS, BURST_SECONDS, Burst, Bursts
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
    peaks = [burst.peak for bursts in found.values() for burst in bursts]
    throughput = _worst(
        "overload_throughput_ratio",
        "ratio",
        found,
        lambda burst: burst.throughput / burst.peak,
        reference=f"the peak as fast as answers come, {_median(peaks):,.0f} events/s",
        conditions="; ".join(_said(multiple, bursts) for multiple, bursts in found.items()),
    )
    refusal = _worst("overload_refusal_p99_ms", "ms", found, lambda burst: burst.refusal_p99 * 1000)
    recovery = _worst(
        "overload_recovery_seconds",
        "s",
        found,
        lambda burst: burst.recovery,
        conditions=f"looked at for {AFTER_SECONDS:.0f} s",
    )
    memory = Figure.of(
        "overload_memory_mib",
        [most],
        "MiB",
        reference=f"resident before the bursts, {before:,.0f} MiB",
        ratio=most / before,
        conditions="the most that the authority held resident, over all bursts",
    )
    return [throughput, refusal, recovery, memory]


def _worst(
    name: str,
    unit: str,
    found: dict[int, list[Burst]],
    value: Callable[[Burst], float],
    *,
    reference: str = "",
    conditions: str = "",
) -> Figure:
    """Make a figure of the multiple that was borne worst; of a ratio, that is the lowest."""
    samples = {multiple: [value(burst) for burst in bursts] for multiple, bursts in found.items()}
    pick = min if unit == "ratio" else max
    worst = pick(samples, key=lambda multiple: _median(samples[multiple]))
    each = ", ".join(f"{_median(values):,.2f}" for values in samples.values())
    multiples = ", ".join(map(str, samples))
    return Figure.of(
        name,
        samples[worst],
        unit,
        reference=reference,
        ratio=_median(samples[worst]) if unit == "ratio" else None,
        conditions=f"at {multiples} times the peak: {each}; bursts of {BURST_SECONDS:.0f} s in "
        f"batches of {BATCH:,}, {_OPTED_OUT:.0%} anonymous"
        + (f"; {conditions}" if conditions else ""),
    )


def _said(multiple: int, bursts: Sequence[Burst]) -> str:
    return (
        f"{multiple} times: {_median([burst.due for burst in bursts]):,.0f} events/s due, "
        f"{_median([burst.throughput for burst in bursts]):,.0f} recorded, "
        f"{_median([burst.refused for burst in bursts]):.0%} of calls refused, "
        f"{_median([burst.lost for burst in bursts]):.0%} unanswered, "
        f"p99 {_median([burst.recorded_p99 for burst in bursts]):.2f} s, load generator "
        f"{_median([burst.busy for burst in bursts]):.0%} of a core"
    )


def _median(values: Sequence[float]) -> float:
    return Spread.of(values).median


def _curve(found: dict[int, list[Burst]]) -> Curve:
    def of(value: Callable[[Burst], float]) -> list[float]:
        return [_median([value(burst) for burst in bursts]) for bursts in found.values()]

    peak = _median([burst.peak for bursts in found.values() for burst in bursts])
    return Curve(
        "recorded_by_load",
        "events a second that are due",
        "events a second that are recorded",
        [peak, *of(lambda burst: burst.due)],
        {"RecordEvents, durable": [peak, *of(lambda burst: burst.throughput)]},
        f"bursts of {BURST_SECONDS:.0f} s at {', '.join(map(str, _MULTIPLES))} times the peak",
    )
