"""Statements that remove the remains of deleted rows from the database's files."""

# Assigns a transaction id, which is higher than those of all committed transactions.
CURRENT_TRANSACTION_ID = "select pg_current_xact_id()::text"

# Selects whether a snapshot that is older than transaction $1 still exists. It may see
# rows that have been deleted since, so that VACUUM keeps them. Snapshots are held by
# sessions, replicas (with or without a replication slot) and prepared transactions.
HAS_OLDER_SNAPSHOTS = """
select exists (
    select from pg_stat_activity
    where pid <> pg_backend_pid()
        and (datname = current_database() or backend_type = 'walsender')
        and greatest(age(backend_xmin), age(backend_xid)) >= age($1::text::xid)
    union all
    select from pg_replication_slots where age(xmin) >= age($1::text::xid)
    union all
    select from pg_prepared_xacts where database = current_database()
)
"""

# Selects the tables and partitions to rewrite, with the size of their files in bytes and the
# name of their primary key. Includes empty ones, whose indexes may still contain keys of deleted rows. Leaves out
# `request_ids` and its shards: their rows name no contact and are never deleted.
SCRUBBED_TABLES = """
select class.relname as name, pg_total_relation_size(class.oid) as bytes,
    key.relname as primary_key
from pg_class class
left join pg_inherits on inhrelid = class.oid
left join pg_class parent on parent.oid = inhparent
left join pg_index on indrelid = class.oid and indisprimary
left join pg_class key on key.oid = indexrelid
where class.relnamespace = current_schema()::regnamespace
    and class.relkind = 'r'
    and coalesce(parent.relname, '') !~ '^request_ids(_[0-9]+)?$'
order by class.relname
"""

# Limits how long a statement waits for a table lock: recording transactions queue
# behind it.
LOCK_TIMEOUT = "set lock_timeout = '{milliseconds}ms'"

# Rewrites a table and its indexes with live rows only. A plain VACUUM leaves the bytes
# of dead tuples in the pages until something overwrites them.
VACUUM_FULL = 'vacuum (full) "{name}"'

# Does the same, and orders the rows by primary key instead of by age.
CLUSTER = 'cluster "{name}" using "{primary_key}"'

# Gives all rows of a table the same xmin, because a rewrite preserves the ids of the
# transactions that wrote them. The lock makes writers wait and prevents deadlocks.
EQUALIZE_XMIN = """
lock table "{name}" in share row exclusive mode;
update "{name}" set tenant = tenant
"""

# Switches to a new WAL file; returns the name of the previous one. No WAL file up to
# that one is needed after a checkpoint.
SWITCH_WAL = "select pg_walfile_name(pg_switch_wal())"

# Removes WAL files that are no longer needed.
CHECKPOINT = "checkpoint"

# Selects whether WAL files up to $1 still exist, or may have been recycled under a new
# name with their old content.
HAS_OLD_WAL = """
select current_setting('wal_recycle')::boolean or exists (
    select from pg_ls_waldir()
    where length(name) = 24 and name ~ '^[0-9A-F]+$' and name <= $1::text
)
"""
