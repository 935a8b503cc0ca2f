"""Statements of the recorder's transaction, in execution order, and of its reversal."""

from hushpost_service.domain.counters import CLICK_CHUNK_SLOTS, OPEN_CHUNK_SLOTS
from hushpost_service.storage.sql.preference_columns import (
    PREFERENCE_COLUMNS,
    PREFERENCE_GROUP,
    PREFERENCE_SINCE,
)
from hushpost_service.storage.sql.request_ids import CLAIM

# Claims request ids, and selects what the modes of events depend on: the start of the
# policy in force, and contacts grouped by preference (one row of nulls if there are no
# contacts). `new_requests` has the positions of the request ids that are new.
#
# Contacts are read without a row lock, which would write a WAL record that links the
# contact to the transaction.
_LOAD_RECORDING_INPUTS = f"""
with {CLAIM}
select (select array_agg(position) from new_requests) as new_requests,
    valid_from, contacts, {PREFERENCE_GROUP}
from (
    select (
        select valid_from from policies where tenant = $1 order by version desc limit 1
    ) as valid_from
) as policy
left join (
    select array_agg(contact) as contacts,
    {PREFERENCE_SINCE.format(created="$8")}
    from {{contacts}}
    group by {PREFERENCE_GROUP}
) as preference_groups on true
"""

# The statement before PostgreSQL 17. See `storage.sql.contacts` for how contacts are looked up.
LOAD_RECORDING_INPUTS = _LOAD_RECORDING_INPUTS.format(
    contacts=f"""unnest($7::bigint[]) as input(number)
    cross join lateral (
        select contact, {PREFERENCE_COLUMNS}
        from contacts
        where tenant = $1 and contact between number and number
        order by contact
        limit 1
    ) as found"""
)

# The statement from PostgreSQL 17 on: one index scan finds all contacts, and reads each page of the
# index once. For thousands of contacts it takes 1.2 µs instead of 2.2 µs per contact, a tenth of
# PostgreSQL's time for a batch (`make bench ONLY=record_events_vs_copy`).
#
# Only the primary key has the order, so the planner has no other index. Earlier versions do not
# return the rows of an array in order, and would read all contacts of the tenant instead.
LOAD_RECORDING_INPUTS_17 = _LOAD_RECORDING_INPUTS.format(
    contacts=f"""(
        select contact, {PREFERENCE_COLUMNS}
        from contacts
        where tenant = $1 and contact = any($7::bigint[])
        order by contact
        offset 0
    ) as found"""
)

# Selects the start of the policy in force. Here and below, parts of the statement above: a
# distributed database would keep the results of its parts, the contacts among them, in files.
POLICY_START = """
select valid_from from policies where tenant = $1 order by version desc limit 1
"""

# Selects contacts grouped by preference.
PREFERENCE_GROUPS = f"""
select contacts, {PREFERENCE_GROUP}
from (
    select array_agg(contact) as contacts,
    {PREFERENCE_SINCE.format(created="$3")}
    from unnest($2::bigint[]) as input(number)
    cross join lateral (
        select contact, {PREFERENCE_COLUMNS}
        from contacts
        where tenant = $1 and contact between number and number
        order by contact
        limit 1
    ) as found
    group by {PREFERENCE_GROUP}
) as preference_groups
"""

# Selects and locks bitmaps of identified slots; `n` is the position in the arrays. The
# rows are locked in the order of the arrays, so that of two concurrent commits only one
# sees a slot as new, and they cannot deadlock.
#
# The lateral subquery looks each row up by its complete key. For a join without
# statistics, the planner would read all rows of the tenant and compare each with every
# key.
LOCK_SLOT_BITS = """
select input.n::integer as n, existing.bits
from unnest($2::bigint[], $3::integer[], $4::integer[], $5::boolean[], $6::integer[])
    with ordinality as input(campaign, group_number, signal, machine, chunk, n)
cross join lateral (
    select bits
    from slot_bits
    where tenant = $1
        and campaign = input.campaign
        and group_number = input.group_number
        and signal = input.signal
        and machine = input.machine
        and mode = 1
        and chunk = input.chunk
    for update
) as existing
"""

# Inserts missing bitmaps of identified slots, each of `bits` bits, without any bit set. Waits
# for concurrent transactions that insert the same rows.
INSERT_SLOT_BITS = """
insert into slot_bits (tenant, campaign, group_number, signal, machine, mode, chunk, bits)
select $1, campaign, group_number, signal, machine, 1, chunk, repeat('0', bits)::varbit
from unnest(
    $2::bigint[], $3::integer[], $4::integer[], $5::boolean[], $6::integer[], $7::integer[]
) as input(campaign, group_number, signal, machine, chunk, bits)
on conflict do nothing
"""

# Part of a statement: adds to counters (upserts). The fields are the numbers of parameters.
_COUNT = """insert into counters as existing
        (tenant, campaign, group_number, signal, machine, mode, hour, events, first_events)
    select $1, campaign, group_number, signal, machine, mode, hour, events, first_events
    from unnest(
        ${}::bigint[], ${}::integer[], ${}::integer[], ${}::boolean[], ${}::smallint[],
        ${}::integer[], ${}::bigint[], ${}::bigint[]
    ) as input(campaign, group_number, signal, machine, mode, hour, events, first_events)
    on conflict (tenant, campaign, group_number, signal, machine, mode, hour)
    do update set
        events = existing.events + excluded.events,
        first_events = existing.first_events + excluded.first_events"""

# Sets bits of slots, adds to counters (upserts), and inserts identified events. The keys
# are sorted, and bitmaps are locked before counters as in `CLEAR_SLOTS`, so that
# concurrent transactions cannot deadlock. A bitmap that has all the bits is not updated.
WRITE = f"""
with counted as (
    {_COUNT.format(*range(9, 17))}
), inserted as (
    insert into events
        (tenant, campaign, contact, event_time, group_number, slot, signal, verdict, is_first)
    select $1, campaign, contact,
        timestamptz 'epoch' + event_time * interval '1 microsecond',
        group_number, slot, signal, verdict, is_first
    from unnest(
        $17::bigint[], $18::bigint[], $19::bigint[], $20::integer[], $21::integer[],
        $22::integer[], $23::smallint[], $24::boolean[]
    ) as input(campaign, contact, event_time, group_number, slot, signal, verdict, is_first)
)
insert into slot_bits as existing
    (tenant, campaign, group_number, signal, machine, mode, chunk, bits)
select $1, campaign, group_number, signal, machine, mode, chunk, bits
from unnest(
    $2::bigint[], $3::integer[], $4::integer[], $5::boolean[], $6::smallint[], $7::integer[],
    $8::varbit[]
) as input(campaign, group_number, signal, machine, mode, chunk, bits)
on conflict (tenant, campaign, group_number, signal, machine, mode, chunk)
do update set bits = existing.bits | excluded.bits
where existing.bits & excluded.bits <> excluded.bits
"""

# Parts of statements: slots to mark or to clear, as bitmaps by key. `places` are the positions of
# the bits, as the text of an array. An opted-out contact has one slot in a campaign: positions are
# much shorter than bitmaps.
_SLOTS = """unnest(
        $2::bigint[], $3::integer[], $4::integer[], $5::boolean[], $6::smallint[], $7::integer[],
        $8::text[]
    ) as input(campaign, group_number, signal, machine, mode, chunk, places)"""
_BITMAP = f"""(
        select bit_or(set_bit(
            case
                when signal = 0 then (select repeat('0', {OPEN_CHUNK_SLOTS})::varbit)
                else (select repeat('0', {CLICK_CHUNK_SLOTS})::varbit)
            end, place, 1
        ))
        from unnest(places::integer[]) as place
    )"""

# Sets bits of slots when their events are anonymized.
MARK_SLOTS = f"""
insert into slot_bits as existing
    (tenant, campaign, group_number, signal, machine, mode, chunk, bits)
select $1, campaign, group_number, signal, machine, mode, chunk, {_BITMAP}
from {_SLOTS}
on conflict (tenant, campaign, group_number, signal, machine, mode, chunk)
do update set bits = existing.bits | excluded.bits
"""

# Part of a statement: finds bitmaps by their complete keys; see `LOCK_SLOT_BITS`.
_BITMAPS_BY_KEY = """cross join lateral (
        select {column}
        from slot_bits
        where tenant = $1
            and campaign = input.campaign
            and group_number = input.group_number
            and signal = input.signal
            and machine = input.machine
            and mode = input.mode
            and chunk = input.chunk
        offset 0
    ) as found"""

# Clears bits of slots when their events are anonymized; returns the keys of bitmaps that are empty
# then. The keys are sorted, so that the rows are locked in the order of `LOCK_SLOT_BITS`.
#
# An upsert, because it locks and changes the newest version of a row, which an update would have
# to look up in a statement of its own. It inserts nothing: the lookup leaves out missing rows.
CLEAR_SLOTS = f"""
with cleared as (
    insert into slot_bits as existing
        (tenant, campaign, group_number, signal, machine, mode, chunk, bits)
    select $1, input.campaign, input.group_number, input.signal, input.machine, input.mode,
        input.chunk, {_BITMAP}
    from {_SLOTS}
    {_BITMAPS_BY_KEY.format(column="chunk")}
    on conflict (tenant, campaign, group_number, signal, machine, mode, chunk)
    do update set bits = existing.bits & ~excluded.bits
    returning campaign, group_number, signal, machine, mode, chunk, bit_count(bits) = 0 as is_empty
)
select campaign, group_number, signal, machine, mode, chunk from cleared where is_empty
"""

# Deletes bitmaps without any bit set, because an empty row would reveal that there had
# been events. The rows must be locked, as above.
DELETE_EMPTY_SLOT_BITS = f"""
delete from slot_bits as existing
using (
    select row_ctid
    from unnest(
        $2::bigint[], $3::integer[], $4::integer[], $5::boolean[], $6::smallint[], $7::integer[]
    ) as input(campaign, group_number, signal, machine, mode, chunk)
    {_BITMAPS_BY_KEY.format(column="ctid as row_ctid")}
) as selected
where existing.tenant = $1 and existing.ctid = selected.row_ctid
    and bit_count(existing.bits) = 0
"""

# Adds to counters (negative: subtracts); returns the keys of those that are 0 then.
ADD_COUNTS = f"""
with counted as (
    {_COUNT.format(*range(2, 10))}
    returning campaign, group_number, signal, machine, mode, hour, events
)
select campaign, group_number, signal, machine, mode, hour from counted where events = 0
"""

# Deletes counters that anonymization has reduced to 0. The rows must have been written by
# this transaction, so that they are locked, as above.
DELETE_EMPTY_COUNTERS = """
delete from counters as existing
using (
    select row_ctid
    from unnest(
        $2::bigint[], $3::integer[], $4::integer[], $5::boolean[], $6::smallint[], $7::integer[]
    ) as input(campaign, group_number, signal, machine, mode, hour)
    cross join lateral (
        select ctid as row_ctid
        from counters
        where tenant = $1
            and campaign = input.campaign
            and group_number = input.group_number
            and signal = input.signal
            and machine = input.machine
            and mode = input.mode
            and hour = input.hour
            and events = 0
        offset 0
    ) as found
) as selected
where existing.tenant = $1 and existing.ctid = selected.row_ctid
"""
