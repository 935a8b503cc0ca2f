"""Statements about partitions. Names are made of numbers of ours, never of input."""

# Keeps two processes from making the same partition.
LOCK_PARTITIONS = "select pg_advisory_xact_lock({lock})"

# A month of events, of whose columns as little is sampled as of those of `events`; nor
# are the blocks of contacts that its indexes have.
CREATE_EVENTS = """
create table {name} partition of events
for values from ('{start:%Y-%m-%d}T00:00:00Z') to ('{end:%Y-%m-%d}T00:00:00Z');
alter table {name}
    alter column contact set statistics 0,
    alter column event_time set statistics 0,
    alter column slot set statistics 0;
alter index {name}_expr_idx alter column 1 set statistics 0;
alter index {name}_campaign_expr_idx alter column 2 set statistics 0
"""

# A period of receipts.
CREATE_RECEIPTS = """
create table {name} partition of receipts for values in ({period})
"""

# The partitions of a table, by name.
PARTITIONS = """
select child.relname
from pg_inherits
join pg_class child on child.oid = inhrelid
where inhparent = $1::text::regclass
order by child.relname
"""

# Whether a partition has no rows.
IS_EMPTY = "select not exists (select from {name})"

# Drops a partition.
DROP = "drop table {name}"
