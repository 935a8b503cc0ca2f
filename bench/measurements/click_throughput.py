"""Throughput of durable unary clicks ÷ that of an empty gRPC call, over either transport.

`record_click_vs_echo`, `record_click_native_vs_echo` and `click_cpu_us_native`.
"""

import os
import random
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from bench.authority import Authority
from bench.child_process import ReportProgress
from bench.load.call_load_process import CallLoad, checked_cpu_share
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


@dataclass(frozen=True, slots=True)
class _Round:
    """One round.

    Attributes:
        clicks: Clicks per second of the authority.
        echoes: Calls per second of the echo server.
        clicks_of_many: Clicks per second of the authority, from many callers.
        cpu_us: CPU time of the authority per click, in microseconds.
        load_share: Share of one core that the load generator used for the clicks.
    """

    clicks: float
    echoes: float
    clicks_of_many: float
    cpu_us: float
    load_share: float


async def measure(authority: Authority, report_progress: ReportProgress) -> list[Result]:
    """Measure an authority with the default transport."""
    return [_ratio("record_click_vs_echo", await _rounds(authority, report_progress))]


async def measure_native(authority: Authority, report_progress: ReportProgress) -> list[Result]:
    """Measure an authority with the native transport, and its CPU time."""
    rounds = await _rounds(authority, report_progress)
    ratio = _ratio("record_click_native_vs_echo", rounds)
    cpu_us = [each.cpu_us for each in rounds]
    return [ratio, Figure.of("click_cpu_us_native", cpu_us, "µs", conditions=ratio.conditions)]


async def _rounds(authority: Authority, report_progress: ReportProgress) -> list[_Round]:
    """Send clicks to the authority and to the echo server in turn."""
    rng = random.Random(SEED)
    rounds = []
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
            cpu_us = (_cpu_seconds(authority.pid) - before) / _CALLS * 1e6
            echoed = await load.run_callers(reference, _CALLERS)
            more = click_calls(
                authority.target, tenant.edge_authorization, list(islice(requests, _CALLS))
            )
            by_many = await load.run_callers(more, _MANY_CALLERS)
            for result in (recorded, echoed, by_many):
                result.check()
            rounds.append(
                _Round(
                    recorded.calls_per_second,
                    echoed.calls_per_second,
                    by_many.calls_per_second,
                    cpu_us,
                    recorded.cpu_share,
                )
            )
        stats = await tenant.reporter.stats.get_campaign_stats("clicks")
    check_recorded(stats, 0, 2 * _CALLS * (_ROUNDS + 1))
    return rounds[1:]  # round 0 warms up


def _ratio(name: str, rounds: Sequence[_Round]) -> Figure:
    load_share = checked_cpu_share([each.load_share for each in rounds])
    clicks = [each.clicks for each in rounds]
    echoes = [each.echoes for each in rounds]
    of_many = Spread.of([each.clicks_of_many for each in rounds]).median
    cpu_us = Spread.of([each.cpu_us for each in rounds]).median
    return Figure.of_ratio(
        name,
        clicks,
        echoes,
        reference=f"empty grpc.aio echo, {Spread.of(echoes).median:,.0f} calls/s",
        conditions=f"{Spread.of(clicks).median:,.0f} clicks/s from {_CALLERS} callers, "
        f"{_OPTED_OUT:.0%} anonymous; authority {cpu_us:.0f} µs of CPU per click; load generator "
        f"{load_share:.0%} of a core; from {_MANY_CALLERS} callers {of_many:,.0f} clicks/s",
    )


def _cpu_seconds(pid: int) -> float:
    """Return the CPU time of all threads of a process, in user and in kernel mode."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
