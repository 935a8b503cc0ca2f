"""`insert_per_event_vs_ours`: one INSERT and one commit per event, the usual tracker design."""

import random

from bench.authority import Authority
from bench.child_process import ReportProgress
from bench.load.event_batches import BatchSender
from bench.references.event_table import create_event_table
from bench.references.pgbench_inserts import CLIENTS, measure_inserts
from bench.results import Figure, Result, Spread
from bench.scenario import SEED, MailingShape, engagement
from bench.tenant import create_tenant

__all__ = ["measure"]

_ROUNDS = 5
_SHAPE = MailingShape(20, 4000)
_OPTED_OUT = 0.2
_DATABASE = "bench_insert"


async def measure(authority: Authority, report_progress: ReportProgress) -> list[Result]:
    """Record a new campaign in batches, then insert event by event, in turn."""
    ours: list[float] = []
    inserts: list[float] = []
    await create_event_table(authority, _DATABASE)
    async with create_tenant(authority, "inserting") as tenant:
        await tenant.opt_out(_SHAPE.opted_out(_OPTED_OUT))
        sender = BatchSender(tenant)
        for number in range(_ROUNDS + 1):
            report_progress(f"round {number} of {_ROUNDS}")
            rng = random.Random(SEED + number)
            campaign_id = f"mailing-{number}"
            events = engagement(await tenant.send_campaign(campaign_id, _SHAPE), rng)
            ours.append(await sender.send_campaign(campaign_id, events, rng))
            inserts.append(await measure_inserts(authority, _DATABASE))
    ours, inserts = ours[1:], inserts[1:]  # round 0 warms up
    return [
        Figure.of_ratio(
            "insert_per_event_vs_ours",
            inserts,
            ours,
            reference=f"RecordEvents in batches, {_OPTED_OUT:.0%} anonymous, "
            f"{Spread.of(ours).median:,.0f} events/s",
            conditions=f"pgbench with {CLIENTS} clients and prepared statements: "
            f"{Spread.of(inserts).median:,.0f} events/s",
        )
    ]
