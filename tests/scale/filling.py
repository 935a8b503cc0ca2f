"""Fills an empty database: the service's schema, partitions and first tenant, then many rows."""

import asyncio
from collections.abc import Callable
from dataclasses import astuple, fields
from datetime import datetime

import asyncpg

from hushpost_service.domain.modes import Policy
from hushpost_service.storage.database import Database
from hushpost_service.storage.partitions import create_partitions
from hushpost_service.storage.schema import migrate
from hushpost_service.storage.sql.partitions import CREATE_EVENTS_PARTITION
from hushpost_service.storage.tenants import insert_policy
from tests.scale import statements as sql
from tests.scale.shape import (
    FREQUENT_CONTACTS,
    LINKS,
    MONTHS,
    PROBES,
    CampaignShape,
    Size,
    campaign_shapes,
    month_starts,
)

__all__ = ["fill"]

Report = Callable[[str], None]

_CONNECTIONS = 2
_SESSION = {
    "synchronous_commit": "off",
    "work_mem": "512MB",
    "maintenance_work_mem": "1GB",
    "jit": "off",
}
_TEMPLATE_TENANT = 0
_PARTITIONS = (
    "select inhrelid::regclass::text from pg_inherits where inhparent = 'events'::regclass"
)
_TABLES = """
select oid::regclass::text from pg_class
where relkind = 'r' and relnamespace = 'public'::regnamespace
"""


async def fill(uri: str, size: Size, now: datetime, report: Report) -> None:
    """Fill the database, without gathering statistics.

    Args:
        uri: The address of an empty database.
        size: What it contains.
        now: The current time.
        report: Is called with what happens.
    """
    await migrate(uri)
    await _prepare(uri, now)
    pool = await asyncpg.create_pool(
        uri, min_size=1, max_size=_CONNECTIONS, command_timeout=None, server_settings=_SESSION
    )
    async with pool:
        indexes = await pool.fetch(sql.INDEXES)
        await pool.execute(";".join(f"drop index {name}" for name, _ in indexes))
        report("campaigns and contacts")
        await _fill_campaigns(pool, size, campaign_shapes(size, now))
        report("events")
        await _fill_events(pool, size)
        report("indexes of events")
        # Without "only", the indexes of all partitions are created too.
        await asyncio.gather(
            *(pool.execute(definition.replace(" ON ONLY ", " ON ")) for _, definition in indexes)
        )
        await _unset_statistics(pool)
        report("vacuum")
        # Marks all pages of contacts as frozen, as the running service keeps them.
        await pool.execute("vacuum (freeze) contacts")


async def _prepare(uri: str, now: datetime) -> None:
    """Create the partitions, and a first policy, through the service's own functions."""
    database = await Database.connect(uri, connections=1)
    try:
        async with database.connection("fill") as connection, connection.transaction():
            await create_partitions(connection, month_starts(now)[0], now)
            await insert_policy(connection, _TEMPLATE_TENANT, Policy(), "scale")
    finally:
        await database.close()


async def _fill_campaigns(
    pool: "asyncpg.Pool[asyncpg.Record]", size: Size, shapes: list[CampaignShape]
) -> None:
    # Nothing but the measurement gathers statistics or removes dead tuples.
    tables = [name for (name,) in await pool.fetch(_TABLES)]
    await pool.execute(
        ";".join(f"alter table {name} set (autovacuum_enabled = false)" for name in tables)
    )
    await pool.execute(sql.SHAPE)
    await pool.copy_records_to_table(
        "shape",
        records=map(astuple, shapes),
        columns=[field.name for field in fields(CampaignShape)],
    )
    tenants = size.tenants + PROBES
    for statement in (sql.TENANTS, sql.COPY_POLICY, sql.CONTACTS, sql.CAMPAIGN_TABLES):
        await pool.execute(statement.format(tenants=tenants, links=LINKS))


async def _fill_events(pool: "asyncpg.Pool[asyncpg.Record]", size: Size) -> None:
    # The probes first, so that they are in the same pages at any size.
    await pool.execute(sql.PROBE_EVENTS.format(links=LINKS))
    await pool.execute(sql.FREQUENT_EVENTS.format(frequent=FREQUENT_CONTACTS, tenant=size.probe(0)))
    for statement in (sql.PROBE_COUNTERS, sql.PROBE_SLOT_BITS):
        await pool.execute(statement.format(first=size.probe(0)))
    months = [sql.EVENTS.format(links=LINKS, month=month) for month in range(MONTHS)]
    others = [statement.format(links=LINKS) for statement in (sql.COUNTERS, sql.SLOT_BITS)]
    await asyncio.gather(*map(pool.execute, months + others))


async def _unset_statistics(pool: "asyncpg.Pool[asyncpg.Record]") -> None:
    """Set up the new indexes of the partitions as the service does."""
    scripts = [part for part in CREATE_EVENTS_PARTITION.split(";") if "alter index" in part]
    names = [name for (name,) in await pool.fetch(_PARTITIONS)]
    await pool.execute(";".join(part.format(name=name) for name in names for part in scripts))
