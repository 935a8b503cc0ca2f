"""Reference for storage and inserts: one table with a row per event, as trackers usually have."""

import asyncpg

from bench.authority import Authority, check_durability

__all__ = ["bytes_per_row", "create_event_table"]

_ROWS = 1_000_000
_DATABASE = "bench_rows"

_TABLE = """
create table events (
    campaign bigint not null,
    contact bigint not null,
    event_time timestamptz not null,
    tenant integer not null,
    slot integer not null,
    group_number smallint not null,
    signal smallint not null,
    verdict smallint not null,
    is_first boolean not null
);
create index events_contact on events ((contact >> 2));
create index events_campaign on events (campaign, signal, (verdict in (3, 4)), (contact >> 10));
"""
"""The authority's table of identified events, without its partitions."""

_FILL = """
insert into events
    (campaign, contact, event_time, tenant, group_number, slot, signal, verdict, is_first)
select random() * 200, random() * 1000000, now(), 1, random() * 20, random() * 5000,
    random() * 5, 1, true
from generate_series(1, $1::integer)
"""


async def create_event_table(authority: Authority, database: str) -> None:
    """Create the table in a new database on the authority's PostgreSQL server."""
    connection = await asyncpg.connect(authority.dsn)
    try:
        await check_durability(connection)
        await connection.execute(f"create database {database}")
    finally:
        await connection.close()
    connection = await asyncpg.connect(authority.dsn, database=database)
    try:
        await connection.execute(_TABLE)
    finally:
        await connection.close()


async def bytes_per_row(authority: Authority) -> float:
    """Return the size of an event row with its share of the indexes."""
    await create_event_table(authority, _DATABASE)
    connection = await asyncpg.connect(authority.dsn, database=_DATABASE)
    try:
        await connection.execute(_FILL, _ROWS)
        size: int = await connection.fetchval("select pg_total_relation_size('events')")
    finally:
        await connection.close()
    return size / _ROWS
