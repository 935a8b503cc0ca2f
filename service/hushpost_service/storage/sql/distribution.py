"""Statements about a database that is distributed by tenant; they need the extension Citus."""

# Selects whether the server is the coordinator of its cluster.
IS_COORDINATOR = "select groupid = 0 from pg_dist_local_group"

# Selects whether the tables of tenants are distributed.
IS_DISTRIBUTED = """
select exists (select from pg_dist_partition where logicalrelid = to_regclass('policies'))
"""

# Selects how many servers can have rows of tenants.
WORKERS = """
select count(*) from pg_dist_node where isactive and shouldhaveshards and noderole = 'primary'
"""

# Selects the tables with a tenant, except $1, that are not distributed; `policies`, which the others follow, is
# the first. Leaves out partitions, and what belongs to extensions.
UNDISTRIBUTED_TABLES = """
select class.relname
from pg_class class
where class.relnamespace = current_schema()::regnamespace
    and class.relkind in ('r', 'p')
    and not class.relispartition
    and exists (
        select from pg_attribute where attrelid = class.oid and attname = 'tenant'
    )
    and class.relname::text <> all($1::text[])
    and not relation_is_a_known_shard(class.oid)
    and not exists (select from pg_dist_partition where logicalrelid = class.oid)
    and not exists (
        select from pg_depend
        where classid = 'pg_class'::regclass and objid = class.oid and objsubid = 0
            and deptype = 'e'
    )
order by class.relname <> 'policies', class.relname
"""

# Selects the tables that are distributed, including partitions. Their files are empty; the rows
# are in shards, which are tables of their own.
DISTRIBUTED_TABLES = """
select relname from pg_dist_partition join pg_class on pg_class.oid = logicalrelid
"""

# Selects the tables on this server of shards that have moved to another server or were split, and of
# moves that failed or have not ended. Citus drops the first two some time later.
ORPHANED_SHARDS = """
select class.relname
from pg_class class
where class.relnamespace = current_schema()::regnamespace
    and class.relkind = 'r'
    and regexp_replace(class.relname, '_[0-9]+$', '') in (
        select relname from pg_dist_partition join pg_class on pg_class.oid = logicalrelid
    )
    and class.oid not in (select logicalrelid from pg_dist_partition)
    and class.relname not in (
        select relname || '_' || shardid
        from pg_dist_placement
        join pg_dist_shard using (shardid)
        join pg_class on pg_class.oid = logicalrelid
        where groupid = (select groupid from pg_dist_local_group)
    )
order by class.relname
"""

# Makes the statements of the transaction use one connection per worker, as statements about
# several tables that belong together must.
SEQUENTIAL = "set local citus.multi_shard_modify_mode = 'sequential'"

# Distributes the first table by tenant, over $2 shards.
DISTRIBUTE = """
select create_distributed_table(
    $1::text::regclass, 'tenant', colocate_with => 'none', shard_count => $2::integer
)
"""

# Distributes a table so that the rows of a tenant are on the same worker as its policies.
DISTRIBUTE_LIKE_POLICIES = """
select create_distributed_table($1::text::regclass, 'tenant', colocate_with => 'policies')
"""

# Removes the rows of a distributed table that are still on the coordinator. They have been copied.
TRUNCATE_COPIED = "select truncate_local_data_after_distributing_table($1::text::regclass)"

# Selects the statement that sets a parameter of all later sessions of the database.
SET_IN_DATABASE = """
select format('alter database %I set %I = %L', current_database(), $1::text, $2::text)
"""

# Runs a statement on each worker; selects what the workers returned, or their errors.
RUN_ON_WORKERS = """
select nodename || ':' || nodeport as worker, success, result
from run_command_on_workers($1::text)
"""

# Selects the distributed partitions.
DISTRIBUTED_PARTITIONS = """
select relname
from pg_dist_partition join pg_class on pg_class.oid = logicalrelid
where relispartition
order by relname
"""

# Selects the names of the columns of table $1 that have no planner statistics.
COLUMNS_WITHOUT_STATISTICS = """
select array_agg(quote_ident(attname) order by attnum)
from pg_attribute where attrelid = $1::text::regclass and attnum > 0 and attstattarget = 0
"""

# Runs a statement on each shard of table $1, whose name replaces `%1$s`; selects what the workers
# returned, or their errors.
RUN_ON_SHARDS = """
select nodename || ':' || nodeport as worker, success, result
from run_command_on_shards($1::text::regclass, $2::text)
join pg_dist_placement using (shardid)
join pg_dist_node using (groupid)
where noderole = 'primary'
"""

# Parts of a statement for `RUN_ON_SHARDS`: keeps no planner statistics of columns from now on.
ALTER_SHARD = "alter table %1$s "
KEEP_NO_STATISTICS = "alter column {column} set statistics 0"

# For `RUN_ON_SHARDS`: selects how many of these columns have statistics nevertheless.
COUNT_SAMPLED_COLUMNS = """
select count(*)
from pg_stats
join pg_attribute using (attname)
where attrelid = '%1$s'::regclass
    and attrelid = to_regclass(quote_ident(schemaname) || '.' || quote_ident(tablename))
    and attstattarget = 0
"""

# For `RUN_ON_SHARDS`: deletes these statistics. Only a superuser may do that.
DELETE_SAMPLES = """
delete from pg_statistic
using pg_attribute
where starelid = '%1$s'::regclass
    and attrelid = starelid
    and attnum = staattnum
    and attstattarget = 0
"""

# Selects settings as JSON (value by name), for `RUN_ON_WORKERS`. `names` are literals.
SETTINGS_AS_JSON = """
select coalesce(json_object_agg(name, setting), '{{}}')
from pg_settings where name in ({names})
"""

# Selects the number of dead tuples of contacts that the last VACUUM kept on the workers because an
# older snapshot may see them; null if a worker did not answer.
DEAD_TUPLES_ON_WORKERS = """
select case when bool_and(success) then sum(case when success then result::bigint end) end::bigint
from run_command_on_shards('contacts', $$select pg_stat_get_dead_tuples('%s'::regclass)$$)
"""
