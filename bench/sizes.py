"""What the database holds: bytes of tables with their indexes, beside a row per event."""

import asyncpg

from bench.inserting import table_of_rows
from bench.site import Site

__all__ = ["Sizes", "autovacuums", "bytes_of_row", "sizes"]

_ROWS = 1_000_000
_DATABASE = "bench_rows"

Sizes = dict[str, int]
"""Bytes by table, partitions together."""

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

_FILL = """
insert into events
    (campaign, contact, event_time, tenant, group_number, slot, signal, verdict, is_first)
select random() * 200, random() * 1000000, now(), 1, random() * 20, random() * 5000,
    random() * 5, 1, true
from generate_series(1, $1::integer)
"""


async def sizes(site: Site, *tables: str) -> Sizes:
    """Return what some of the authority's tables take, with indexes and partitions."""
    connection = await asyncpg.connect(site.dsn)
    try:
        found = {row["name"]: row["bytes"] for row in await connection.fetch(_SIZES)}
    finally:
        await connection.close()
    return {table: found[table] for table in tables}


async def autovacuums(site: Site) -> int:
    """Return how often autovacuum went through a table; make sure that it may."""
    connection = await asyncpg.connect(site.dsn)
    try:
        assert await connection.fetchval("select current_setting('autovacuum')") == "on"
        count: int = await connection.fetchval(_AUTOVACUUMS)
    finally:
        await connection.close()
    return count


async def bytes_of_row(site: Site) -> float:
    """Return what an event takes as a row, with the same columns and indexes."""
    await table_of_rows(site, _DATABASE)
    connection = await asyncpg.connect(site.dsn, database=_DATABASE)
    try:
        await connection.execute(_FILL, _ROWS)
        size: int = await connection.fetchval("select pg_total_relation_size('events')")
    finally:
        await connection.close()
    return size / _ROWS
