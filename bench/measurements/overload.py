"""`overload_…`: throughput and rejections while more events are offered than can be recorded.

Batches are sent at 2, 4 and 10 times the peak throughput. The authority should keep
recording at its peak and reject the rest quickly (load shedding).
"""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from bench.authority import Authority
from bench.child_process import ReportProgress
from bench.load.call_load_process import CallLoad, checked_cpu_share
from bench.load.call_results import OK, REJECTED, CallResults
from bench.load.event_batches import BATCH, IN_FLIGHT
from bench.load.prepared_batches import PreparedBatches
from bench.results import Curve, Figure, Result, Spread
from bench.scenario import SEED, MailingShape
from bench.tenant import create_tenant

__all__ = ["measure"]

_SHAPE = MailingShape(20, 5000)
_OPTED_OUT = 0.2
_MULTIPLES = (2, 4, 10)
_ROUNDS = 3
_CAMPAIGN = "overload"
_SECONDS = 6.0
_RAMP_SECONDS = 1.2
"""Time for the queue to fill; throughput is measured after it."""

_PEAK_BATCHES = 150


@dataclass(frozen=True, slots=True)
class _Overload:
    """The outcome of one overload.

    Attributes:
        peak: Events per second in a closed loop just before.
        offered: Events per second that were sent.
        recorded: Events per second that were recorded.
        rejected_share: Share of calls rejected with RESOURCE_EXHAUSTED.
        unknown_share: Share of calls that failed otherwise, for example timed out.
        cpu_share: Share of one core that the load generator used.
        rejection_p99: Latency of rejected calls in seconds.
        recorded_p99: Latency of recorded calls in seconds.
    """

    peak: float
    offered: float
    recorded: float
    rejected_share: float
    unknown_share: float
    cpu_share: float
    rejection_p99: float
    recorded_p99: float


class _EventLoad:
    """Sends batches of one campaign and keeps count of the recorded events."""

    def __init__(self, load: CallLoad, batches: PreparedBatches) -> None:
        self._load = load
        self._batches = batches
        self.recorded = 0
        self.unknown = 0

    async def measure_peak(self) -> float:
        """Return events per second in a closed loop."""
        result = await self._load.run_callers(self._batches.take(_PEAK_BATCHES), IN_FLIGHT)
        result.check()
        self.recorded += _PEAK_BATCHES * BATCH
        return result.calls_per_second * BATCH

    async def overload(self, multiple: float) -> _Overload:
        """Measure the peak, then send a multiple of it."""
        peak = await self.measure_peak()
        batches_per_second = peak * multiple / BATCH
        calls = self._batches.take(round(batches_per_second * _SECONDS))
        load = await self._load.run_at_rate(calls, batches_per_second)
        load.check_responses()
        results = load.results
        statuses = results.statuses
        count = statuses.total()
        self.recorded += statuses[OK] * BATCH
        self.unknown += results.unknown * BATCH
        return _Overload(
            peak=peak,
            offered=count * BATCH / max(results.sending_seconds, _SECONDS),
            recorded=_recorded_per_second(results),
            rejected_share=statuses[REJECTED] / count,
            unknown_share=results.unknown / count,
            cpu_share=load.cpu_share,
            rejection_p99=results.percentile(0.99, REJECTED),
            recorded_p99=results.percentile(0.99),
        )


def _recorded_per_second(results: CallResults) -> float:
    """Return the events recorded per second between the ramp and the end of the load."""
    recorded = sum(
        call.status == OK and _RAMP_SECONDS < call.completed <= _SECONDS for call in results.calls
    )
    return recorded * BATCH / (_SECONDS - _RAMP_SECONDS)


async def measure(authority: Authority, report_progress: ReportProgress) -> list[Result]:
    """Overload the authority by each multiple in turn."""
    rng = random.Random(SEED)
    overloads: dict[int, list[_Overload]] = {multiple: [] for multiple in _MULTIPLES}
    async with CallLoad() as generator, create_tenant(authority, "overload") as tenant:
        report_progress("issuing tokens")
        await tenant.opt_out(_SHAPE.opted_out(_OPTED_OUT))
        tokens = await tenant.send_campaign(_CAMPAIGN, _SHAPE)
        load = _EventLoad(generator, PreparedBatches(authority.target, tenant, tokens, rng))
        report_progress("warming up")
        await load.measure_peak()
        for number in range(_ROUNDS):
            for multiple in _MULTIPLES:
                report_progress(f"{multiple} times the peak, round {number + 1} of {_ROUNDS}")
                overloads[multiple].append(await load.overload(multiple))
        counted = await tenant.count_events(_CAMPAIGN)
    highest = load.recorded + load.unknown
    assert load.recorded <= counted <= highest, (
        f"recorded between {load.recorded} and {highest} events, counted {counted}"
    )
    return _results(overloads)


def _results(overloads: Mapping[int, Sequence[_Overload]]) -> list[Result]:
    return [_throughput_figure(overloads), _rejection_figure(overloads), _curve(overloads)]


def _throughput_figure(overloads: Mapping[int, Sequence[_Overload]]) -> Figure:
    ratios = {
        multiple: [each.recorded / each.peak for each in rounds]
        for multiple, rounds in overloads.items()
    }
    worst = min(ratios.values(), key=_median)
    details = "; ".join(_describe(multiple, rounds) for multiple, rounds in overloads.items())
    return Figure.of(
        "overload_throughput_ratio",
        worst,
        "ratio",
        reference=f"the peak, {_peak(overloads):,.0f} events/s",
        ratio=_median(worst),
        conditions=f"{_conditions(ratios)}; {details}",
    )


def _rejection_figure(overloads: Mapping[int, Sequence[_Overload]]) -> Figure:
    latencies = {
        multiple: [each.rejection_p99 * 1000 for each in rounds]
        for multiple, rounds in overloads.items()
    }
    return Figure.of(
        "overload_refusal_p99_ms",
        max(latencies.values(), key=_median),
        "ms",
        conditions=_conditions(latencies),
    )


def _conditions(samples: Mapping[int, Sequence[float]]) -> str:
    medians = ", ".join(f"{_median(values):,.2f}" for values in samples.values())
    multiples = ", ".join(map(str, samples))
    return (
        f"at {multiples} times the peak: {medians}; for {_SECONDS:.0f} s each, in batches of "
        f"{BATCH:,}, {_OPTED_OUT:.0%} anonymous"
    )


def _describe(multiple: int, rounds: Sequence[_Overload]) -> str:
    def median(value: Callable[[_Overload], float]) -> float:
        return _median([value(each) for each in rounds])

    return (
        f"{multiple} times: {median(lambda each: each.offered):,.0f} events/s offered, "
        f"{median(lambda each: each.recorded):,.0f} recorded, "
        f"{median(lambda each: each.rejected_share):.0%} of calls rejected, "
        f"{median(lambda each: each.unknown_share):.0%} failed otherwise, "
        f"p99 {median(lambda each: each.recorded_p99):.2f} s, load generator "
        f"{checked_cpu_share([each.cpu_share for each in rounds]):.0%} of a core"
    )


def _curve(overloads: Mapping[int, Sequence[_Overload]]) -> Curve:
    peak = _peak(overloads)
    offered = [_median([each.offered for each in rounds]) for rounds in overloads.values()]
    recorded = [_median([each.recorded for each in rounds]) for rounds in overloads.values()]
    return Curve(
        "recorded_by_load",
        "events offered per second",
        "events recorded per second",
        [peak, *offered],
        {"RecordEvents, durable": [peak, *recorded]},
        f"{_SECONDS:.0f} s each at {', '.join(map(str, _MULTIPLES))} times the peak",
    )


def _peak(overloads: Mapping[int, Sequence[_Overload]]) -> float:
    return _median([each.peak for rounds in overloads.values() for each in rounds])


def _median(values: Sequence[float]) -> float:
    return Spread.of(values).median
