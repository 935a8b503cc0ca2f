"""Statements about how many ANONYMOUS messages contacts got."""

# Inserts the rows of blocks of contacts that a period does not have yet, with zeros. The
# blocks are sorted, so that concurrent transactions cannot deadlock.
INSERT_MISSING_BLOCKS = """
insert into anonymous_messages (tenant, block, period, messages)
select $1, block, $2, $4::bytea
from unnest($3::bigint[]) as input(block)
on conflict do nothing
"""

# Selects and locks the counts of sorted blocks in a period and the $4 before it.
LOCK_BLOCKS = """
select counted.block, counted.period, counted.messages
from unnest($3::bigint[]) as input(block)
cross join lateral (
    select block, period, messages
    from anonymous_messages
    where tenant = $1 and block between input.block and input.block
        and period between $2::integer - $4::integer and $2
    order by block, period
    limit $4 + 1
    for update
) as counted
"""

# Stores the counts of blocks in a period (upsert).
SET_COUNTS = """
insert into anonymous_messages (tenant, block, period, messages)
select $1, block, $2, messages
from unnest($3::bigint[], $4::bytea[]) as input(block, messages)
on conflict (tenant, block, period) do update set messages = excluded.messages
"""

# Deletes the counts of the periods before one.
DELETE_OLD_COUNTS = "delete from anonymous_messages where tenant = $1 and period < $2"
