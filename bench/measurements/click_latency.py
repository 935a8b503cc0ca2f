"""`click_p99_ms_at_half_peak`: latency of a unary click at a fixed rate (open loop)."""

import asyncio
import random
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from bench.authority import Authority
from bench.child_process import ReportProgress
from bench.load.call_load_process import CallLoad, Calls
from bench.load.call_results import OK, CallResults
from bench.load.rpc_clicks import click_calls, click_requests
from bench.references.disk_fsync import measure_fsync
from bench.references.echo_server import running_echo_server
from bench.results import Curve, Figure, Result, Spread, percentile
from bench.scenario import LINKS, SEED, MailingShape
from bench.tenant import Tenant, create_tenant
from hushpost.v1 import tracking_pb2 as pb

__all__ = ["measure"]

_SHAPE = MailingShape(20, 4000)
_OPTED_OUT = 0.2
_CALLERS = 64
_PEAK_CALLS = 4000
_PEAK_ROUNDS = 5
_ROUNDS = 6
_SECONDS = 4.0
_MIN_PUNCTUALITY = 0.97
"""Below this share of the schedule's rate, the load generator did not keep the schedule."""

_LOAD_SHARES = (0.1, 0.25, 0.5, 0.75, 0.9, 1.0, 1.25)
_LOAD_SECONDS = 3.0
_LINES = {"median": 0.5, "p90": 0.9, "p99": 0.99}


class _ClickLoad:
    """Sends clicks to the authority and to the echo server.

    Keeps count of those that the authority got, for a check against the statistics.
    """

    def __init__(
        self,
        load: CallLoad,
        tenant: Tenant,
        authority: str,
        echo: str,
        requests: Iterator[pb.RecordClickRequest],
    ) -> None:
        self._load = load
        self._authorization = tenant.edge_authorization
        self._authority = authority
        self._echo = echo
        self._requests = requests
        self.recorded = 0
        self.unknown = 0

    async def measure_peak(self, report_progress: ReportProgress) -> float:
        """Return clicks per second in a closed loop; round 0 warms up."""
        rates = []
        for number in range(_PEAK_ROUNDS + 1):
            report_progress(f"measuring the peak, round {number} of {_PEAK_ROUNDS}")
            calls = self._calls(self._authority, _PEAK_CALLS)
            result = await self._load.run_callers(calls, _CALLERS)
            result.check()
            rates.append(result.calls_per_second)
            self.recorded += _PEAK_CALLS
        return Spread.of(rates[1:]).median

    async def send(self, rate: float, seconds: float) -> CallResults:
        """Send clicks to the authority at a fixed rate."""
        calls = self._calls(self._authority, round(rate * seconds))
        results = (await self._load.run_at_rate(calls, rate)).results
        self.recorded += results.statuses[OK]
        self.unknown += results.unknown
        return results

    async def send_to_echo(self, rate: float, seconds: float) -> CallResults:
        """Send clicks to the echo server at a fixed rate."""
        result = await self._load.run_at_rate(self._calls(self._echo, round(rate * seconds)), rate)
        result.check()
        return result.results

    def _calls(self, target: str, count: int) -> Calls:
        clicks = list(islice(self._requests, count))
        return click_calls(target, self._authorization, clicks)


async def measure(authority: Authority, report_progress: ReportProgress) -> list[Result]:
    """Measure the peak, then the latency at half of it and at other shares."""
    rng = random.Random(SEED)
    async with (
        running_echo_server(LINKS[0]) as echo,
        create_tenant(authority, "latency") as tenant,
        CallLoad() as compiled,
    ):
        report_progress("issuing tokens")
        await tenant.opt_out(_SHAPE.opted_out(_OPTED_OUT))
        requests = click_requests(await tenant.send_campaign("latency", _SHAPE), rng)
        load = _ClickLoad(compiled, tenant, authority.target, echo, requests)
        peak = await load.measure_peak(report_progress)
        figure = await _measure_at_half_peak(load, peak, authority.data_dir, report_progress)
        curve = await _measure_by_load(load, peak, report_progress)
        counted = await tenant.count_clicks("latency")
    highest = load.recorded + load.unknown
    assert load.recorded <= counted <= highest, (
        f"recorded between {load.recorded} and {highest} clicks, counted {counted}"
    )
    return [figure, curve]


async def _measure_at_half_peak(
    load: _ClickLoad, peak: float, data_dir: Path, report_progress: ReportProgress
) -> Figure:
    ours, bare, flushes = [], [], []
    for number in range(_ROUNDS):
        report_progress(f"at {peak / 2:,.0f} clicks/s, round {number + 1} of {_ROUNDS}")
        ours.append(await load.send(peak / 2, _SECONDS))
        ours[-1].check()
        bare.append(await load.send_to_echo(peak / 2, _SECONDS))
        flushes += await asyncio.to_thread(measure_fsync, data_dir)
        sending = ours[-1].sending_seconds
        assert sending < _SECONDS / _MIN_PUNCTUALITY, (
            f"sending took {sending:.1f} s instead of {_SECONDS} s"
        )
    p99 = [results.percentile(0.99) * 1000 for results in ours]
    bare_p99 = [results.percentile(0.99) * 1000 for results in bare]
    medians = Spread.of([results.percentile(0.5) * 1000 for results in ours])
    return Figure.of(
        "click_p99_ms_at_half_peak",
        p99,
        "ms",
        reference=f"empty grpc.aio echo at the same rate, {Spread.of(bare_p99).median:.2f} ms",
        ratio=Spread.of(p99).median / Spread.of(bare_p99).median,
        conditions=f"{peak / 2:,.0f} clicks/s, half of the throughput of {_CALLERS} callers, due "
        f"at fixed intervals; median {medians.median:.2f} ms; rounds of {_SECONDS:.0f} s; after "
        f"each, the disk flushes a page in {percentile(flushes, 0.5) * 1000:.2f} ms (p99 "
        f"{percentile(flushes, 0.99) * 1000:.2f} ms)",
    )


async def _measure_by_load(load: _ClickLoad, peak: float, report_progress: ReportProgress) -> Curve:
    lines: dict[str, list[float]] = {line: [] for line in _LINES}
    for share in _LOAD_SHARES:
        report_progress(f"at {share:.0%} of the peak")
        results = await load.send(peak * share, _LOAD_SECONDS)
        for line, quantile in _LINES.items():
            lines[line].append(results.percentile(quantile) * 1000)
    return Curve(
        "click_latency_by_load",
        "clicks due per second",
        "latency in ms",
        [peak * share for share in _LOAD_SHARES],
        lines,
        f"{_LOAD_SECONDS:.0f} s each; {_CALLERS} callers reach {peak:,.0f} clicks/s",
    )
