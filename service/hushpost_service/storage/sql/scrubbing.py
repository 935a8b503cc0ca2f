"""Statements that leave nothing of deleted rows in the database's files."""

# A transaction number that is greater than that of whatever has been committed.
NEXT_TRANSACTION = "select pg_current_xact_id()::text"

# Whether somebody may still see what was deleted before transaction $1: sessions,
# replicas that hold back (through a slot or without), and prepared transactions.
STILL_SEEN = """
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

# Tables and partitions, with the bytes of their files; empty ones too, for what is in
# their indexes. Not receipts: they name nobody, and rows are never taken out of them.
TABLES = """
select class.relname as name, pg_total_relation_size(class.oid) as bytes
from pg_class class
left join pg_inherits on inhrelid = class.oid
left join pg_class parent on parent.oid = inhparent
where class.relnamespace = current_schema()::regnamespace
    and class.relkind = 'r'
    and parent.relname is distinct from 'receipts'
order by class.relname
"""

# How long to stand in the queue for a table: whoever records stands behind.
LOCK_TIMEOUT = "set lock_timeout = '{milliseconds}ms'"

# Writes a table and its indexes anew, with nothing but rows that are there. A plain
# vacuum leaves the bytes of dead rows where they are until something overwrites them.
REWRITE = 'vacuum (full) "{name}"'

# The same, in the order of the key instead of that in which rows were made.
REWRITE_IN_ORDER = 'cluster "{name}" using "{name}_pkey"'

# Makes all rows be of one transaction: each bears the number of the last that wrote
# it, even when it is rewritten. Whoever writes meanwhile waits, and cannot deadlock.
EVEN_OUT = """
lock table "{name}" in share row exclusive mode;
update "{name}" set tenant = tenant
"""

# Ends the current file of the log; a checkpoint then needs none of those before.
# Answers the name of the last of these.
END_LOG_FILE = "select pg_walfile_name(pg_switch_wal())"

CHECKPOINT = "checkpoint"

# Whether old files of the log are there, or were given new names to be used again.
OLD_LOG = """
select current_setting('wal_recycle')::boolean or exists (
    select from pg_ls_waldir()
    where length(name) = 24 and name ~ '^[0-9A-F]+$' and name <= $1::text
)
"""
