"""Moves shards as docs/how-to/scale-out.md says."""

from tests.citus.scale_out_page import statement
from tests.inspection import Connection
from tests.waiting import eventually

__all__ = [
    "clean_up",
    "isolate",
    "move",
    "one_tenant_per_shard",
    "placements",
    "rebalance",
    "unbalance",
    "worker_of",
]

_SHARD = "select get_shard_id_for_distribution_column('policies', $1::integer)"

_PLACEMENTS = """
select shardid, nodename || ':' || nodeport
from citus_shards where table_name = 'policies'::regclass
"""

_ONE_TENANT_PER_SHARD = """
select min(tenant) from generate_series(5000, 5100) as tenant
group by get_shard_id_for_distribution_column('policies', tenant::integer)
order by 1
"""

_OTHER_WORKER = """
select nodename || ':' || nodeport
from pg_dist_node where groupid > 0 and nodename || ':' || nodeport <> $1
order by nodeid
limit 1
"""


async def move(coordinator: Connection, tenant: int) -> None:
    """Move all rows of a tenant to another worker."""
    other = await coordinator.fetchval(_OTHER_WORKER, await worker_of(coordinator, tenant))
    await coordinator.execute(_move_to(other, str(tenant)))


async def unbalance(coordinator: Connection) -> None:
    """Move all shards to one worker."""
    target = min((await placements(coordinator)).values())
    for tenant in await one_tenant_per_shard(coordinator):
        if await worker_of(coordinator, tenant) != target:
            await coordinator.execute(_move_to(target, str(tenant)))


async def one_tenant_per_shard(coordinator: Connection) -> list[int]:
    """Return a number of a tenant, which need not exist, for each shard."""
    return [tenant for (tenant,) in await coordinator.fetch(_ONE_TENANT_PER_SHARD)]


def _move_to(worker: str, tenant: str) -> str:
    host, _, port = worker.rpartition(":")
    return (
        statement("select citus_move_shard_placement(")
        .replace("'worker-3.example.com', 5432", f"'{host}', {port}")
        .replace("123", tenant)
    )


async def rebalance(coordinator: Connection) -> None:
    """Spread the shards over the workers."""
    await coordinator.execute(statement("select citus_rebalance_start("))
    await coordinator.execute(statement("select citus_rebalance_wait("))


async def isolate(coordinator: Connection, tenant: int) -> None:
    """Give a tenant a shard of its own."""
    isolation = statement("select isolate_tenant_to_new_shard(")
    await coordinator.execute(isolation.replace("123", str(tenant)))


async def clean_up(coordinator: Connection) -> None:
    """Drop the tables that moved shards have left."""

    async def left() -> int:
        await coordinator.execute(statement("call citus_cleanup_orphaned_resources("))
        count: int = await coordinator.fetchval("select count(*) from pg_dist_cleanup")
        return count

    # A daemon of Citus may be about to drop them, too.
    await eventually(left, 0)


async def placements(coordinator: Connection) -> dict[int, str]:
    """Return the workers that have the shards, by shard of `policies`."""
    return dict(map(tuple, await coordinator.fetch(_PLACEMENTS)))


async def worker_of(coordinator: Connection, tenant: int) -> str:
    """Return the worker that has the rows of a tenant, as host:port."""
    return (await placements(coordinator))[await coordinator.fetchval(_SHARD, tenant)]
