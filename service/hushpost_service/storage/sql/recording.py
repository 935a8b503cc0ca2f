"""Statements of the recorder's transaction, in the order in which they run."""

from hushpost_service.storage.sql.receipts import FILING

# Begins the transaction under the shared recording lock of one tenant. Making a
# preference or policy stricter takes the lock exclusively for the moment of its
# commit. Advisory locks live in memory only: no WAL record names anybody.
# A format string, because a script of two statements takes no parameters; the
# tenant is an integer of ours.
BEGIN_RECORDING = "{begin}; select pg_advisory_xact_lock_shared({lock}, {tenant:d})"

# Begins a transaction that makes a preference or policy stricter; see
# `LOCK_RECORDING` for the lock, which is taken last.
LOCK_RECORDING = "select pg_advisory_xact_lock({lock}, $1::integer)"

# Files receipts, and answers what modes are decided by: the version of the policy
# in force, and the preferences of some contacts, those with equal ones together
# (a row of nulls where there are none). `requests` are the positions of those
# that were not carried out before.
#
# A plain read of contacts: a row lock would write a WAL record that ties the
# contact to the transaction.
RECEIVE = f"""
with {FILING}
select (select array_agg(position) from new_requests) as requests,
    version, contacts, do_not_track, since, anonymous_until, aggregate_until, off_until
from (select max(version) as version from policies where tenant = $1) as policy
left join (
    select array_agg(contact) as contacts, do_not_track,
        case when preference_time > $8 then preference_time end as since,
        anonymous_until, aggregate_until, off_until
    from contacts
    where tenant = $1 and contact = any(array(select unnest($7::bigint[])))
    group by do_not_track, since, anonymous_until, aggregate_until, off_until
) as preference_groups on true
"""

# The slots that identified events were seen from before, by position in the
# arrays. Locked, in the order of the arrays, so that of two commits at once only one
# sees a slot as new. In a sub-select of its own each row is looked up by its whole key:
# as a join, on a table that the planner knows nothing of, all rows of the tenant would
# be read and compared with each key.
SEEN_SLOTS = """
select given.n::integer as n, known.bits
from unnest($2::bigint[], $3::integer[], $4::integer[], $5::boolean[], $6::integer[])
    with ordinality as given(campaign, group_number, signal, machine, chunk, n)
cross join lateral (
    select bits
    from slot_bits
    where tenant = $1
        and campaign = given.campaign
        and group_number = given.group_number
        and signal = given.signal
        and machine = given.machine
        and mode = 1
        and chunk = given.chunk
    for update
) as known
"""

# Makes rows of identified slots that are not there yet, with no bit set. Waits for
# whoever is making the same.
MAKE_SLOTS = """
insert into slot_bits (tenant, campaign, group_number, signal, machine, mode, chunk, bits)
select $1, campaign, group_number, signal, machine, 1, chunk, 0::bit(4096)
from unnest($2::bigint[], $3::integer[], $4::integer[], $5::boolean[], $6::integer[])
    as given(campaign, group_number, signal, machine, chunk)
on conflict do nothing
"""

# Marks slots as seen, adds to counters, writes the rows of identified events. The
# keys are sorted, so that processes cannot deadlock; the slots come first, as
# when they are cleared. Bits that are set already are not written again.
WRITE = """
with counted as (
    insert into counters as known
        (tenant, campaign, group_number, signal, machine, mode, hour, events, first_events)
    select $1, campaign, group_number, signal, machine, mode, hour, events, first_events
    from unnest(
        $9::bigint[], $10::integer[], $11::integer[], $12::boolean[], $13::smallint[],
        $14::integer[], $15::bigint[], $16::bigint[]
    ) as given(campaign, group_number, signal, machine, mode, hour, events, first_events)
    on conflict (tenant, campaign, group_number, signal, machine, mode, hour)
    do update set
        events = known.events + excluded.events,
        first_events = known.first_events + excluded.first_events
), inserted as (
    insert into events
        (tenant, campaign, contact, event_time, group_number, slot, signal, verdict, is_first)
    select $1, campaign, contact,
        timestamptz 'epoch' + event_time * interval '1 microsecond',
        group_number, slot, signal, verdict, is_first
    from unnest(
        $17::bigint[], $18::bigint[], $19::bigint[], $20::integer[], $21::integer[],
        $22::integer[], $23::smallint[], $24::boolean[]
    ) as given(campaign, contact, event_time, group_number, slot, signal, verdict, is_first)
)
insert into slot_bits as known
    (tenant, campaign, group_number, signal, machine, mode, chunk, bits)
select $1, campaign, group_number, signal, machine, mode, chunk, bits
from unnest(
    $2::bigint[], $3::integer[], $4::integer[], $5::boolean[], $6::smallint[], $7::integer[],
    $8::bit(4096)[]
) as given(campaign, group_number, signal, machine, mode, chunk, bits)
on conflict (tenant, campaign, group_number, signal, machine, mode, chunk)
do update set bits = known.bits | excluded.bits
where known.bits | excluded.bits <> known.bits
"""

# Where the rows of given slots are, each looked up by its whole key; see `SEEN_SLOTS`.
SLOT_ROWS = """cross join lateral (
        select ctid as place
        from slot_bits
        where tenant = $1
            and campaign = given.campaign
            and group_number = given.group_number
            and signal = given.signal
            and machine = given.machine
            and mode = given.mode
            and chunk = given.chunk
        offset 0
    ) as found"""

# Clears slots, when events move from the identified to the anonymous side. The rows
# must have been locked by a statement before: `ctid` names the version that this one
# sees.
CLEAR_SLOTS = f"""
update slot_bits as known
set bits = known.bits & ~locked.bits
from (
    select place, given.bits
    from unnest(
        $2::bigint[], $3::integer[], $4::integer[], $5::boolean[], $6::smallint[], $7::integer[],
        $8::bit(4096)[]
    ) as given(campaign, group_number, signal, machine, mode, chunk, bits)
    {SLOT_ROWS}
) as locked
where known.tenant = $1 and known.ctid = locked.place
"""

# Deletes rows of slots of which none is left: that there were some is nobody's
# business. The rows must have been locked, as above.
DROP_EMPTY_SLOTS = f"""
delete from slot_bits as known
using (
    select place
    from unnest(
        $2::bigint[], $3::integer[], $4::integer[], $5::boolean[], $6::smallint[], $7::integer[]
    ) as given(campaign, group_number, signal, machine, mode, chunk)
    {SLOT_ROWS}
) as locked
where known.tenant = $1 and known.ctid = locked.place and known.bits = 0::bit(4096)
"""

# Deletes counters from which folding has taken everything. The rows must have been
# written by this transaction, as above.
DROP_EMPTY_COUNTERS = """
delete from counters as known
using (
    select place
    from unnest(
        $2::bigint[], $3::integer[], $4::integer[], $5::boolean[], $6::smallint[], $7::integer[]
    ) as given(campaign, group_number, signal, machine, mode, hour)
    cross join lateral (
        select ctid as place
        from counters
        where tenant = $1
            and campaign = given.campaign
            and group_number = given.group_number
            and signal = given.signal
            and machine = given.machine
            and mode = given.mode
            and hour = given.hour
            and events = 0
        offset 0
    ) as found
) as locked
where known.tenant = $1 and known.ctid = locked.place
"""
