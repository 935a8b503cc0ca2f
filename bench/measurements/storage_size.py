"""`bytes_per_…_event`: size of the database per event, after ten million events.

200 campaigns go to 2,000 groups, each with one message to a twentieth of a million contacts and
about one event per message. Event times are spread over four weeks in the order of
recording, so that partitions fill one after the other.
"""

import random
import time
from typing import NamedTuple

import asyncpg

from bench.authority import Authority
from bench.child_process import ReportProgress
from bench.load.event_batches import BatchSender
from bench.references.event_table import bytes_per_row
from bench.results import Figure, Result, Spread
from bench.scenario import SEED, MailingShape, engagement
from bench.tenant import Tenant, create_tenant
from hushpost_client import Mode
from hushpost_service.maintenance.scrub import Scrubber
from hushpost_service.storage.database import Database

__all__ = ["measure_anonymous", "measure_identified"]

_GROUPS = 10
_MESSAGES = 5000
_PARTS = 20
_CAMPAIGNS = 200
_EVENTS = 50_000
_CAMPAIGNS_PER_MILLION = 1_000_000 // _EVENTS
_SPAN_SECONDS = 28 * 24 * 3600
"""The authority accepts events that are up to 30 days old."""

_MAX_SECONDS = 1500
"""No further million of events is started after this time."""

_TABLES = ("events", "counters", "slot_bits", "request_ids")

_SIZES = """
select coalesce(parent.relname, child.relname) as name,
    sum(pg_total_relation_size(child.oid))::bigint as bytes
from pg_class child
left join pg_inherits on inhrelid = child.oid
left join pg_class parent on parent.oid = inhparent
where child.relkind = 'r' and child.relnamespace = 'public'::regnamespace
group by 1
"""

_AUTOVACUUMS = "select sum(autovacuum_count)::integer from pg_stat_user_tables"


class _Growth(NamedTuple):
    """What was measured.

    Attributes:
        sizes: Bytes by table after each million of events.
        scrubbed: Bytes of all tables after a scrub at the end.
        autovacuums: Runs of autovacuum until then.
        bytes_per_row: The size of a row of the reference.
    """

    sizes: list[dict[str, int]]
    scrubbed: int
    autovacuums: int
    bytes_per_row: float


async def measure_identified(authority: Authority, report_progress: ReportProgress) -> list[Result]:
    """Record events that name a contact."""
    growth = await _grow(authority, report_progress, Mode.IDENTIFIED)
    return [_figure("bytes_per_identified_event", growth)]


async def measure_anonymous(authority: Authority, report_progress: ReportProgress) -> list[Result]:
    """Record anonymous events."""
    growth = await _grow(authority, report_progress, Mode.ANONYMOUS)
    return [_figure("bytes_per_anonymous_event", growth)]


async def _grow(authority: Authority, report_progress: ReportProgress, mode: Mode) -> _Growth:
    sizes = []
    end = time.monotonic() + _MAX_SECONDS
    async with create_tenant(authority, "growth", mode) as tenant:
        for part in range(_PARTS):
            report_progress(f"creating contacts, part {part + 1} of {_PARTS}")
            await tenant.send_campaign(f"welcome-{part}", MailingShape(_GROUPS, _MESSAGES, part))
        campaigns = _Campaigns(tenant)
        for first in range(0, _CAMPAIGNS, _CAMPAIGNS_PER_MILLION):
            if time.monotonic() > end:
                break
            for number in range(first, first + _CAMPAIGNS_PER_MILLION):
                report_progress(f"{number * _EVENTS:,} of {_CAMPAIGNS * _EVENTS:,} events recorded")
                await campaigns.record(number)
            sizes.append(await _table_sizes(authority))
        autovacuums = await _count_autovacuums(authority)
        report_progress("scrubbing")
        await _scrub(authority)
        scrubbed = sum((await _table_sizes(authority)).values())
    return _Growth(sizes, scrubbed, autovacuums, await bytes_per_row(authority))


class _Campaigns:
    """Creates campaigns and records their events."""

    def __init__(self, tenant: Tenant) -> None:
        self._tenant = tenant
        self._sender = BatchSender(tenant)
        self._rng = random.Random(SEED)
        self._start = time.time() - _SPAN_SECONDS

    async def record(self, number: int) -> None:
        """Create a campaign and record 50,000 events."""
        campaign_id = f"mailing-{number}"
        shape = MailingShape(_GROUPS, _MESSAGES, number % _PARTS)
        tokens = await self._tenant.send_campaign(campaign_id, shape)
        now = self._start + (number + 1) / _CAMPAIGNS * _SPAN_SECONDS
        events = engagement(tokens, self._rng, now)[:_EVENTS]
        assert len(events) == _EVENTS
        await self._sender.send_campaign(campaign_id, events, self._rng)


async def _table_sizes(authority: Authority) -> dict[str, int]:
    """Return the bytes of each table that recording writes to, with indexes and partitions."""
    connection = await asyncpg.connect(authority.dsn)
    try:
        sizes = {row["name"]: row["bytes"] for row in await connection.fetch(_SIZES)}
    finally:
        await connection.close()
    return {table: sizes[table] for table in _TABLES}


async def _scrub(authority: Authority) -> None:
    """Rewrite all tables as `hushpost scrub` does."""
    database = await Database.connect(authority.dsn, connections=1)
    try:
        scrubber = Scrubber(database)
        for table in await scrubber.prepare():
            await scrubber.rewrite(table)
    finally:
        await database.close()


async def _count_autovacuums(authority: Authority) -> int:
    """Assert that autovacuum is on, and return how many tables it has processed."""
    connection = await asyncpg.connect(authority.dsn)
    try:
        assert await connection.fetchval("select current_setting('autovacuum')") == "on"
        count: int = await connection.fetchval(_AUTOVACUUMS)
    finally:
        await connection.close()
    return count


def _figure(name: str, growth: _Growth) -> Figure:
    bytes_per_event = [
        sum(sizes.values()) / (million * 1_000_000) for million, sizes in enumerate(growth.sizes, 1)
    ]
    spread = Spread.of(bytes_per_event)
    events = len(growth.sizes) * 1_000_000
    tables = ", ".join(f"{table} {size / events:.2f}" for table, size in growth.sizes[-1].items())
    return Figure(
        name=name,
        value=bytes_per_event[-1],
        unit="bytes",
        reference=f"a row per event with the same two indexes, {growth.bytes_per_row:.0f} bytes",
        ratio=bytes_per_event[-1] / growth.bytes_per_row,
        low=spread.low,
        high=spread.high,
        rounds=len(bytes_per_event),
        conditions=f"{events:,} events, about one per message; {_GROUPS:,} groups of "
        f"{_MESSAGES:,} messages per campaign, {_PARTS * _GROUPS * _MESSAGES:,} contacts; bytes "
        f"per event by table, with indexes: {tables}; {growth.autovacuums} runs of autovacuum; "
        f"{growth.scrubbed / events:.1f} bytes per event after `hushpost scrub`",
    )
