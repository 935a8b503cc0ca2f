"""Distributes the tables of a migrated database by tenant, over the workers of a Citus cluster.

All rows of a tenant are on one worker, so that its transactions are local to that worker. What
does not belong to one tenant, or is read before the tenant is known, stays on the coordinator.
"""

from collections.abc import Sequence
from typing import cast

import asyncpg

from hushpost_service.storage.connection import Connection
from hushpost_service.storage.connection_settings import CONNECTION_SETTINGS
from hushpost_service.storage.keyring_keys import lowest_known_key
from hushpost_service.storage.sql import distribution as sql
from hushpost_service.storage.sql.database_kind import HAS_CITUS

__all__ = ["DistributionError", "distribute", "undistributed_tables"]

_LOCAL_TABLES = ("api_keys", "tenants", "tracking_domains")
"""Tables with a tenant that stay on the coordinator. As reference tables they would have a copy on every
worker, and two calls that change different rows could wait for each other forever."""

_OF_COORDINATOR = ("client_min_messages", "plan_cache_mode")
"""Settings that the sessions of workers do not need."""


class DistributionError(Exception):
    """The database cannot be distributed, or is only in part; the message says what to do."""


async def distribute(dsn: str, shards: int) -> list[str]:
    """Distribute the tables that are not distributed yet; return their names.

    Also sets the parameters of the workers' sessions, which workers that were added since the
    last time lack. Either all tables are distributed or none.

    Args:
        dsn: The address of the coordinator. The database must have the newest schema.
        shards: Over how many shards tenants are spread. Ignored if there are distributed tables.

    Raises:
        DistributionError: Citus or a worker is missing, an authority is running, a worker
            has rejected a setting, or only a superuser can remove samples.
    """
    connection = await asyncpg.connect(
        dsn, server_settings={"application_name": "hushpost distribute"}
    )
    try:
        await _check_cluster(connection)
        async with connection.transaction():
            await connection.execute(sql.SEQUENTIAL)
            tables = await undistributed_tables(cast("Connection", connection))
            if "policies" in tables:
                await _check_stopped(connection)
            for table in tables:
                if table == "policies":
                    await connection.execute(sql.DISTRIBUTE, table, shards)
                else:
                    await connection.execute(sql.DISTRIBUTE_LIKE_POLICIES, table)
                await connection.execute(sql.TRUNCATE_COPIED, table)
        await _set_parameters(connection)
        for (partition,) in await connection.fetch(sql.DISTRIBUTED_PARTITIONS):
            await _remove_samples(connection, partition)
    finally:
        await connection.close()
    return tables


async def undistributed_tables(connection: Connection) -> list[str]:
    """Return the tables that should be distributed but are not, as after a migration."""
    return [
        name for (name,) in await connection.fetch(sql.UNDISTRIBUTED_TABLES, list(_LOCAL_TABLES))
    ]


async def _check_cluster(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    if not await connection.fetchval(HAS_CITUS):
        raise DistributionError(
            "the extension Citus is not installed in the database: run 'create extension citus' "
            "in it on all servers, then add the workers with citus_add_node()"
        )
    if not await connection.fetchval(sql.WORKERS):
        raise DistributionError("the cluster has no worker: add one with citus_add_node()")


async def _check_stopped(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    """Raise DistributionError if an authority runs, whose sessions suit a single server."""
    if await lowest_known_key(cast("Connection", connection)) is not None:
        raise DistributionError("an authority is running: stop all of them first")


async def _set_parameters(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    """Give the sessions of workers the settings that the authority gives its own."""
    for name, value in CONNECTION_SETTINGS.items():
        if name in _OF_COORDINATOR:
            continue
        statement = await connection.fetchval(sql.SET_IN_DATABASE, name, value)
        _results(statement, await connection.fetch(sql.RUN_ON_WORKERS, statement))


async def _remove_samples(connection: "asyncpg.Connection[asyncpg.Record]", partition: str) -> None:
    """Keep no planner statistics of columns about persons in the shards of a partition.

    Citus creates the tables of a shard anew where it moves or splits it, without the settings of the
    columns that a partition has inherited. The worker may then have analyzed them.
    """
    columns = await connection.fetchval(sql.COLUMNS_WITHOUT_STATISTICS, partition)
    if not columns:
        return
    settings = (sql.KEEP_NO_STATISTICS.format(column=column) for column in columns)
    await _run_on_shards(connection, partition, sql.ALTER_SHARD + ", ".join(settings))
    counts = await _run_on_shards(connection, partition, sql.COUNT_SAMPLED_COLUMNS)
    if not any(map(int, counts)):
        return
    try:
        await _run_on_shards(connection, partition, sql.DELETE_SAMPLES)
    except DistributionError as error:
        raise DistributionError(
            f"the planner statistics of {partition} have samples about persons, which only a superuser "
            f"can delete: run 'hushpost distribute' once as one ({error})"
        ) from None


async def _run_on_shards(
    connection: "asyncpg.Connection[asyncpg.Record]", table: str, statement: str
) -> list[str]:
    """Run a statement on each shard of a table; return the results."""
    return _results(statement, await connection.fetch(sql.RUN_ON_SHARDS, table, statement))


def _results(statement: str, rows: Sequence["asyncpg.Record"]) -> list[str]:
    """Return what workers returned. Raises DistributionError if one has rejected the statement."""
    for worker, success, result in rows:
        if not success:
            raise DistributionError(f"worker {worker} has rejected {statement!r}: {result}")
    return [result for _, _, result in rows]
