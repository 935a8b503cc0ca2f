"""Statements about partitions. They are formatted with generated names, never with input."""

# Lets one process at a time create partitions.
LOCK_PARTITIONS = "select pg_advisory_xact_lock({lock})"

# Creates a monthly partition of `events`. Like `events` itself, it keeps no planner
# statistics of columns that identify a person, nor of the index expressions over them.
#
# The table is attached, not created as a partition: a distributed database copies the settings of
# columns to the workers when it is attached, and later refuses to change them.
CREATE_EVENTS_PARTITION = """
create table {name} (like events);
alter table {name}
    alter column contact set statistics 0,
    alter column event_time set statistics 0,
    alter column slot set statistics 0;
alter table events attach partition {name}
for values from ('{start:%Y-%m-%d}T00:00:00Z') to ('{end:%Y-%m-%d}T00:00:00Z');
alter index {name}_expr_idx alter column 1 set statistics 0;
alter index {name}_campaign_signal_expr_expr1_idx alter column 4 set statistics 0
"""

# Creates the partition of `request_ids` for a period.
CREATE_REQUEST_IDS_PARTITION = """
create table {name} partition of request_ids for values in ({period})
"""

# Selects the names of a table's partitions.
PARTITIONS = """
select child.relname
from pg_inherits
join pg_class child on child.oid = inhrelid
where inhparent = $1::text::regclass
order by child.relname
"""

# Blocks inserts into all partitions of a table. Locks the table before its partitions, like
# an insert, so that the two cannot deadlock.
LOCK_TABLE = "lock table only {name} in access exclusive mode"

# Selects whether a partition has no rows. A distributed database needs a column in the subquery.
IS_EMPTY = "select not exists (select 1 from {name})"

# Drops a partition.
DROP_PARTITION = "drop table {name}"
