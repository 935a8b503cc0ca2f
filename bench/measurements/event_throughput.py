"""`record_events_…`: throughput of durable event batches, next to a bare COPY of as many rows."""

import random
from typing import NamedTuple

from bench.authority import Authority
from bench.child_process import ReportProgress
from bench.load.event_batches import BATCH, IN_FLIGHT, BatchSender
from bench.references.postgres_copy import PostgresCopy, connect_postgres_copy
from bench.results import Figure, Result, Spread, ratios
from bench.scenario import SEED, MailingShape, engagement
from bench.tenant import Tenant, create_tenant
from hushpost_client import Mode

__all__ = ["measure_anonymous", "measure_mixed"]

_SHAPE = MailingShape(20, 5000)
_OPTED_OUT = 0.2


class _Throughput(NamedTuple):
    """Events per second, and rows per second of the COPY, of each round."""

    ours: list[float]
    bare: list[float]

    @property
    def reference(self) -> str:
        """The COPY, in words."""
        rows = Spread.of(self.bare).median
        return f"bare asyncpg COPY over one connection, {rows:,.0f} rows/s"


async def measure_mixed(authority: Authority, report_progress: ReportProgress) -> list[Result]:
    """Record events of identified contacts, and of some who opted out."""
    throughput = await _measure(authority, report_progress, Mode.IDENTIFIED, _OPTED_OUT, rounds=5)
    return [
        Figure.of_ratio(
            "record_events_vs_copy",
            throughput.ours,
            throughput.bare,
            reference=throughput.reference,
            conditions=f"{Spread.of(throughput.ours).median:,.0f} events/s, {_OPTED_OUT:.0%} "
            f"anonymous, {IN_FLIGHT} batches of {BATCH:,} in flight",
        )
    ]


async def measure_anonymous(authority: Authority, report_progress: ReportProgress) -> list[Result]:
    """Record events of anonymous contacts only."""
    throughput = await _measure(authority, report_progress, Mode.ANONYMOUS, 0, rounds=3)
    return [
        Figure.of(
            "record_events_anonymous_per_second",
            throughput.ours,
            "events/s",
            reference=throughput.reference,
            ratio=ratios(throughput.ours, throughput.bare).median,
            conditions=f"all anonymous, {IN_FLIGHT} batches of {BATCH:,} in flight",
        )
    ]


async def _measure(
    authority: Authority,
    report_progress: ReportProgress,
    mode_when_unset: Mode,
    opted_out: float,
    *,
    rounds: int,
) -> _Throughput:
    throughput = _Throughput([], [])
    async with (
        create_tenant(authority, "events", mode_when_unset) as tenant,
        connect_postgres_copy(authority.dsn) as copy,
    ):
        await tenant.opt_out(_SHAPE.opted_out(opted_out))
        for number in range(rounds + 1):
            report_progress(f"round {number} of {rounds}")
            ours, bare = await _run_round(tenant, copy, number)
            if number:  # round 0 warms up
                throughput.ours.append(ours)
                throughput.bare.append(bare)
        await copy.check()
    return throughput


async def _run_round(tenant: Tenant, copy: PostgresCopy, number: int) -> tuple[float, float]:
    """Return events per second and rows per second.

    Each round uses a new campaign, because the first event of a message costs more than
    later ones.
    """
    rng = random.Random(SEED + number)
    campaign_id = f"mailing-{number}"
    events = engagement(await tenant.send_campaign(campaign_id, _SHAPE), rng)
    ours = await BatchSender(tenant).send_campaign(campaign_id, events, rng)
    return ours, await copy.measure(len(events) // BATCH * BATCH, BATCH, rng)
