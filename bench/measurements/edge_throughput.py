"""`edge_click_vs_bare`: a redirect with a durably stored click ÷ a redirect without one."""

import asyncio
from collections.abc import Sequence

from bench.authority import Authority
from bench.child_process import ReportProgress
from bench.edge_process import running_edge
from bench.load.http_load_process import (
    HttpLoad,
    HttpLoadProcess,
    HttpLoadResult,
    start_http_load_process,
)
from bench.references.redirect_server import running_redirect_server
from bench.results import Figure, Result, Spread
from bench.scenario import LINKS, MailingShape
from bench.tenant import Tenant, create_tenant

__all__ = ["measure"]

_CAMPAIGN = "edge"
_SHAPE = MailingShape(20, 4000)
_OPTED_OUT = 0.2
_CONNECTIONS = 128
"""Enough to make CPU the edge's bottleneck; with 64 it waits for fsync."""

_BURSTS = 7
_ROUNDS_PER_BURST = 2
_SECONDS = 0.6
"""A burst ends before the edge has held its first events long enough to ship them."""

_TRUNCATE_SECONDS = 0.7
"""The edge truncates its spool half a second after it has shipped everything."""

_COUNTED_TIMEOUT = 20


class _EdgeLoad:
    """Generates load on the edge and on the bare redirect server in turn."""

    def __init__(
        self, generator: HttpLoadProcess, tenant: Tenant, edge_port: int, bare_port: int
    ) -> None:
        self._generator = generator
        self._tenant = tenant
        self._edge_port = edge_port
        self._bare_port = bare_port
        self._clicks = 0

    async def run_burst(self) -> list[tuple[HttpLoadResult, HttpLoadResult]]:
        """Return the results of edge and reference per round, once all clicks are counted."""
        rounds = []
        for _ in range(_ROUNDS_PER_BURST):
            ours = await self._generator.run(HttpLoad(self._edge_port, _CONNECTIONS, _SECONDS))
            bare = await self._generator.run(HttpLoad(self._bare_port, _CONNECTIONS, _SECONDS))
            self._clicks += ours.clicks
            rounds.append((ours, bare))
        await self._tenant.wait_until_counted(_CAMPAIGN, self._clicks, _COUNTED_TIMEOUT)
        await asyncio.sleep(_TRUNCATE_SECONDS)
        return rounds


async def measure(authority: Authority, report_progress: ReportProgress) -> list[Result]:
    """Click on the edge and on the bare redirect server, as fast as they respond."""
    rounds = []
    # The load generator first: gRPC logs a warning when a process with a channel forks.
    async with (
        start_http_load_process() as generator,
        running_redirect_server() as bare_port,
        create_tenant(authority, "edge") as tenant,
    ):
        report_progress("issuing tokens")
        await tenant.opt_out(_SHAPE.opted_out(_OPTED_OUT))
        await generator.set_messages(await tenant.send_campaign(_CAMPAIGN, _SHAPE), LINKS)
        with running_edge(authority, tenant) as edge:
            load = _EdgeLoad(generator, tenant, edge.port, bare_port)
            for number in range(_BURSTS + 1):
                report_progress(f"burst {number} of {_BURSTS}")
                burst = await load.run_burst()
                if number:  # burst 0 warms up
                    rounds += burst
    return [_figure(rounds)]


def _figure(rounds: Sequence[tuple[HttpLoadResult, HttpLoadResult]]) -> Figure:
    ours = [edge.rate for edge, _ in rounds]
    bare = [reference.rate for _, reference in rounds]
    cpu_share = Spread.of([edge.cpu_share for edge, _ in rounds]).median
    return Figure.of_ratio(
        "edge_click_vs_bare",
        ours,
        bare,
        reference=f"bare Starlette redirect on Granian, {Spread.of(bare).median:,.0f} clicks/s",
        conditions=f"{Spread.of(ours).median:,.0f} clicks/s with one worker and {_CONNECTIONS} "
        f"connections, fsynced; rounds of {_SECONDS} s, shipped afterwards; load generator "
        f"{cpu_share:.0%} of a core",
    )
