"""Throughput of durable unary clicks ÷ that of an empty gRPC call, over either transport.

`record_click_vs_echo`, `record_click_native_vs_echo` and `click_cpu_us_native`.
"""

import os
import random
from itertools import islice
from pathlib import Path

from bench.authority import Authority
from bench.child_process import ReportProgress
from bench.load.call_load_process import CallLoad
from bench.load.rpc_clicks import click_calls, click_requests
from bench.references.echo_server import running_echo_server
from bench.results import Figure, Result, Spread
from bench.scenario import LINKS, SEED, MailingShape
from bench.tenant import check_recorded, create_tenant

__all__ = ["measure", "measure_native"]

_CALLERS = 64
_MANY_CALLERS = 256
"""More clicks share a commit."""

_CALLS = 6_000
_ROUNDS = 20
"""Many short rounds: the speed of a shared machine changes within a minute, and either server should
meet the same share of slow seconds."""

_SHAPE = MailingShape(20, 2500)
_OPTED_OUT = 0.2
_MAX_CPU_SHARE = 0.7
"""Above this, the load generator itself is the bottleneck."""


async def measure(authority: Authority, report_progress: ReportProgress) -> list[Result]:
    """Measure an authority with the default transport."""
    ratio, _ = await _measure(authority, report_progress, "record_click_vs_echo")
    return [ratio]


async def measure_native(authority: Authority, report_progress: ReportProgress) -> list[Result]:
    """Measure an authority with the native transport, and its CPU time."""
    ratio, cpu = await _measure(authority, report_progress, "record_click_native_vs_echo")
    figure = Figure.of("click_cpu_us_native", cpu, "µs", conditions=ratio.conditions)
    return [ratio, figure]


async def _measure(
    authority: Authority, report_progress: ReportProgress, name: str
) -> tuple[Figure, list[float]]:
    """Send clicks to the authority and to the echo server in turn.

    Returns the ratio of the throughputs, and the authority's CPU time per click by round, in
    microseconds.
    """
    rng = random.Random(SEED)
    ours, bare, cpu, share, with_many = [], [], [], [], []
    async with (
        running_echo_server(LINKS[0]) as echo,
        create_tenant(authority, "clicks") as tenant,
        CallLoad() as load,
    ):
        report_progress("issuing tokens")
        await tenant.opt_out(_SHAPE.opted_out(_OPTED_OUT))
        requests = click_requests(await tenant.send_campaign("clicks", _SHAPE), rng)
        for number in range(_ROUNDS + 1):
            report_progress(f"round {number} of {_ROUNDS}")
            clicks = list(islice(requests, _CALLS))
            calls, reference = (
                click_calls(target, tenant.edge_authorization, clicks)
                for target in (authority.target, echo)
            )
            before = _cpu_seconds(authority.pid)
            recorded = await load.run_callers(calls, _CALLERS)
            cpu.append((_cpu_seconds(authority.pid) - before) / _CALLS * 1e6)
            echoed = await load.run_callers(reference, _CALLERS)
            more = click_calls(
                authority.target, tenant.edge_authorization, list(islice(requests, _CALLS))
            )
            by_many = await load.run_callers(more, _MANY_CALLERS)
            for result in (recorded, echoed, by_many):
                result.check()
            ours.append(recorded.calls_per_second)
            bare.append(echoed.calls_per_second)
            share.append(recorded.cpu_share)
            with_many.append(by_many.calls_per_second)
        stats = await tenant.reporter.stats.get_campaign_stats("clicks")
    check_recorded(stats, 0, 2 * _CALLS * (_ROUNDS + 1))
    load_share = Spread.of(share[1:]).median
    assert load_share < _MAX_CPU_SHARE, f"the load generator used {load_share:.0%} of a core"
    ratio = Figure.of_ratio(
        name,
        ours[1:],  # round 0 warms up
        bare[1:],
        reference=f"empty grpc.aio echo, {Spread.of(bare[1:]).median:,.0f} calls/s",
        conditions=f"{Spread.of(ours[1:]).median:,.0f} clicks/s from {_CALLERS} callers, "
        f"{_OPTED_OUT:.0%} anonymous; load generator {load_share:.0%} of a core; from "
        f"{_MANY_CALLERS} callers {Spread.of(with_many[1:]).median:,.0f} clicks/s",
    )
    return ratio, cpu[1:]


def _cpu_seconds(pid: int) -> float:
    """Return the CPU time of all threads of a process, in user and in kernel mode."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
