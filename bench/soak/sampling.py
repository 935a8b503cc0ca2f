"""Samples an installation: memory, descriptors, connections, latency, tables, spools."""

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, cast

import asyncpg

from bench.soak.installation import Installation
from bench.soak.process_usage import usage_of
from bench.soak.steady_load import SteadyLoad
from hushpost_service.admin.auth import KEY_CONNECTIONS
from hushpost_service.settings import Settings

if TYPE_CHECKING:
    Connection = asyncpg.Connection[asyncpg.Record]

__all__ = ["Sample", "sample_connections", "sample_installation", "sample_processes"]

Sample = tuple[str, str, float | None, float]
"""Name, unit, floor and value, as in `Series`."""

_MEMORY_FLOOR = 8.0

_POSTGRES_MEMORY_FLOOR = 64.0
"""The server's memory grows until its shared buffers have been used once."""

_DESCRIPTOR_FLOOR = 8.0
_CONNECTION_FLOOR = 1.0
_LATENCY_FLOOR = 20.0
_DEAD_TUPLE_FLOOR = 50_000.0
"""Autovacuum looks once a minute, and waits for a fifth of a table to be dead."""

_BYTES_PER_CLICK_FLOOR = 10.0
_WAITING_SECONDS = 3
"""An edge holds events for less than that before it ships them."""

_POOL_SECONDS = 360.0
"""A pool closes connections that were idle for five minutes; one that is idle for longer belongs to
no pool, or was never returned to it."""

_MEBI = 1 << 20

_POOLED = cast("int", Settings.model_fields["connections"].default) + KEY_CONNECTIONS
"""Of one authority."""

_TABLES = """
select coalesce(parent.relname, class.relname) as name,
    sum(pg_total_relation_size(class.oid))::float8 as bytes,
    sum(pg_stat_get_dead_tuples(class.oid))::float8 as dead
from pg_class class
left join pg_inherits on inhrelid = class.oid
left join pg_class parent on parent.oid = inhparent
where class.relnamespace = 'public'::regnamespace and class.relkind = 'r'
group by 1 order by 1
"""
_CONNECTIONS = """
select count(*)::int as open,
    (count(*) filter (where state_change < clock_timestamp() - $1::interval))::int as unused
from pg_stat_activity
where datname = current_database() and pid <> pg_backend_pid() and application_name like 'hushpost%'
"""


def sample_processes(pids: Mapping[str, int]) -> list[Sample]:
    """Return the memory, descriptors and threads of processes with their descendants."""
    samples: list[Sample] = []
    for name, pid in pids.items():
        usage = usage_of(pid)
        is_server = name == "PostgreSQL"
        floor = _POSTGRES_MEMORY_FLOOR if is_server else _MEMORY_FLOOR
        samples += [
            (f"{name}: PSS", "MiB", floor, usage.pss_mib),
            (f"{name}: RSS", "MiB", None, usage.rss_mib),
            # The server opens a file for each table that a session uses.
            (
                f"{name}: descriptors",
                "",
                None if is_server else _DESCRIPTOR_FLOOR,
                usage.descriptors,
            ),
            (f"{name}: threads", "", _DESCRIPTOR_FLOOR, usage.threads),
        ]
    return samples


async def sample_connections(
    connection: "Connection", pooled: int, pool_seconds: float = _POOL_SECONDS
) -> list[Sample]:
    """Return how many connections there are.

    Pools open and close connections, so their number alone shows no leak within half an hour.

    Args:
        connection: A connection to the database.
        pooled: The limits of all pools, added up.
        pool_seconds: For how long a connection of a pool can be idle.
    """
    count = await connection.fetchrow(_CONNECTIONS, timedelta(seconds=pool_seconds))
    assert count is not None
    return [
        ("connections", "", None, count["open"]),
        ("connections beyond pools", "", _CONNECTION_FLOOR, max(0, count["open"] - pooled)),
        ("unused connections", "", _CONNECTION_FLOOR, count["unused"]),
    ]


async def sample_installation(
    installation: Installation, connection: "Connection", load: SteadyLoad, rate: float
) -> list[Sample]:
    """Return one sample of everything.

    Args:
        installation: The processes.
        connection: A connection to their database.
        load: The clicks on them.
        rate: How many there are per second.
    """
    tables = await connection.fetch(_TABLES)
    size = sum(row["bytes"] for row in tables)
    dead = sum(row["dead"] for row in tables)
    waiting = sum(edge.waiting_events() for edge in installation.edges)
    return [
        *sample_processes(installation.pids),
        *await sample_connections(connection, _POOLED * len(installation.targets)),
        ("redirect p99", "ms", _LATENCY_FLOOR, load.p99 * 1000),
        ("dead tuples", "", _DEAD_TUPLE_FLOOR, dead),
        ("database, per click", "bytes", _BYTES_PER_CLICK_FLOOR, size / max(load.total, rate)),
        ("waiting in spools", "events", rate * _WAITING_SECONDS, waiting),
        ("clicks", "", None, load.total),
        *((f"table {row['name']}", "MiB", None, row["bytes"] / _MEBI) for row in tables),
    ]
