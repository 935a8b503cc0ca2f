"""`record_click_native_vs_echo` and `click_cpu_us_native`: clicks over the native transport."""

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

__all__ = ["measure"]

_CALLERS = 64
_CALLS = 10_000
_ROUNDS = 7
_SHAPE = MailingShape(20, 2500)
_OPTED_OUT = 0.2
_MAX_CPU_SHARE = 0.7
"""Above this, the load generator itself is the bottleneck."""


async def measure(authority: Authority, report_progress: ReportProgress) -> list[Result]:
    """Send clicks to the authority and to the echo server in turn."""
    rng = random.Random(SEED)
    ours, bare, cpu, share = [], [], [], []
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
            native = await load.run_callers(calls, _CALLERS)
            cpu.append((_cpu_seconds(authority.pid) - before) / _CALLS * 1e6)
            echoed = await load.run_callers(reference, _CALLERS)
            for result in (native, echoed):
                result.check()
            ours.append(native.calls_per_second)
            bare.append(echoed.calls_per_second)
            share.append(native.cpu_share)
        stats = await tenant.reporter.stats.get_campaign_stats("clicks")
    check_recorded(stats, 0, _CALLS * (_ROUNDS + 1))
    load_share = Spread.of(share[1:]).median
    assert load_share < _MAX_CPU_SHARE, f"the load generator used {load_share:.0%} of a core"
    conditions = (
        f"{Spread.of(ours[1:]).median:,.0f} clicks/s from {_CALLERS} callers, {_OPTED_OUT:.0%} "
        f"anonymous; load generator {load_share:.0%} of a core"
    )
    return [  # round 0 warms up
        Figure.of_ratio(
            "record_click_native_vs_echo",
            ours[1:],
            bare[1:],
            reference=f"empty grpc.aio echo, {Spread.of(bare[1:]).median:,.0f} calls/s",
            conditions=conditions,
        ),
        Figure.of("click_cpu_us_native", cpu[1:], "µs", conditions=conditions),
    ]


def _cpu_seconds(pid: int) -> float:
    """Return the CPU time of all threads of a process, in user and in kernel mode."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
