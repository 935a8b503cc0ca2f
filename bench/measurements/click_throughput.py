"""`record_click_vs_echo`: throughput of durable unary clicks ÷ that of an empty gRPC call."""

import random

import grpc

from bench.authority import Authority
from bench.child_process import ReportProgress
from bench.load.rpc_clicks import ClickSenders, click_requests, click_sender
from bench.references.echo_server import running_echo_server
from bench.results import Figure, Result, Spread
from bench.scenario import LINKS, SEED, MailingShape
from bench.tenant import check_recorded, create_tenant

__all__ = ["measure"]

_CALLERS = 64
_CALLS = 2000
_ROUNDS = 15
_SHAPE = MailingShape(20, 2500)
_OPTED_OUT = 0.2


async def measure(authority: Authority, report_progress: ReportProgress) -> list[Result]:
    """Send clicks to the authority and to the echo server in turn."""
    rng = random.Random(SEED)
    async with (
        running_echo_server(LINKS[0]) as echo_target,
        create_tenant(authority, "clicks") as tenant,
        grpc.aio.insecure_channel(echo_target) as echo_channel,
    ):
        report_progress("issuing tokens")
        await tenant.opt_out(_SHAPE.opted_out(_OPTED_OUT))
        requests = click_requests(await tenant.send_campaign("clicks", _SHAPE), rng)
        senders = ClickSenders(
            click_sender(tenant.channel, tenant.edge_metadata),
            click_sender(echo_channel, tenant.edge_metadata),
        )
        rounds = []
        for number in range(_ROUNDS + 1):
            report_progress(f"round {number} of {_ROUNDS}")
            rounds.append(await senders.measure_throughput(requests, _CALLS, _CALLERS))
        stats = await tenant.reporter.stats.get_campaign_stats("clicks")
    check_recorded(stats, 0, _CALLS * (_ROUNDS + 1))
    ours, bare = zip(*rounds[1:], strict=True)  # round 0 warms up
    return [
        Figure.of_ratio(
            "record_click_vs_echo",
            ours,
            bare,
            reference=f"empty grpc.aio echo, {Spread.of(bare).median:,.0f} calls/s",
            conditions=f"{Spread.of(ours).median:,.0f} clicks/s from {_CALLERS} callers, "
            f"{_OPTED_OUT:.0%} anonymous",
        )
    ]
