"""Statements about numbers. What they cost never depends on the events."""

# Messages sent by group, mode and hour.
SENT = """
select group_number, mode, hour, messages
from sent
where tenant = $1 and campaign = $2
"""

# Events by group, by link and by hour. `kind` says which of these a row is:
# 0 = (group, open or click), 1 = (link), 2 = (hour, open or click).
EVENTS = """
select
    case when grouping(group_number) = 0 then 0 when grouping(signal) = 0 then 1 else 2 end as kind,
    group_number, signal, hour, is_click, machine, mode,
    sum(events)::bigint as events, sum(first_events)::bigint as first_events
from (
    select group_number, signal, hour, signal > 0 as is_click, machine, mode, events, first_events
    from counters
    where tenant = $1 and campaign = $2
) as counted
group by grouping sets (
    (group_number, is_click, machine, mode),
    (signal, machine, mode),
    (hour, is_click, machine, mode)
)
"""

# Distinct people by group: those who opened, and those who clicked any link.
PEOPLE_OF_GROUPS = """
select group_number, is_click, machine, mode, sum(bit_count(bits))::bigint as people
from (
    select group_number, signal > 0 as is_click, machine, mode, chunk, bit_or(bits) as bits
    from slot_bits
    where tenant = $1 and campaign = $2
    group by group_number, is_click, machine, mode, chunk
) as seen
group by group_number, is_click, machine, mode
"""

# Distinct people by link: groups share no slot.
PEOPLE_OF_LINKS = """
select signal, machine, mode, sum(bit_count(bits))::bigint as people
from slot_bits
where tenant = $1 and campaign = $2 and signal > 0
group by signal, machine, mode
"""

# What has been published, by cell and hour.
PUBLICATIONS = """
select group_number, signal, machine, mode, hour, events, people
from publications
where tenant = $1 and campaign = $2
"""

# Lets one process at a time publish numbers of a campaign, until its commit.
LOCK_PUBLICATION = "select pg_advisory_xact_lock($1)"

# Publishes more.
PUBLISH = """
insert into publications as known
    (tenant, campaign, group_number, signal, machine, mode, hour, events, people)
select $1, $2, group_number, signal, machine, mode, $3, events, people
from unnest(
    $4::integer[], $5::integer[], $6::boolean[], $7::smallint[], $8::bigint[], $9::bigint[]
) as given(group_number, signal, machine, mode, events, people)
on conflict (tenant, campaign, group_number, signal, machine, mode, hour)
do update set events = known.events + excluded.events, people = known.people + excluded.people
"""

# Contacts that engaged, by contact number: those with an event of a signal from $3
# to $4, with their preferences. Events by machines count only if $5.
ENGAGED_CONTACTS = """
select contact, contact_id,
    count(*) filter (where signal = 0) as opens,
    count(*) filter (where signal > 0) as clicks,
    min(event_time) as first_event_time, max(event_time) as last_event_time,
    do_not_track, preference_time, anonymous_until, aggregate_until, off_until
from events
join contacts using (tenant, contact)
where tenant = $1 and campaign = $2
    and contact > $6
    and ($5 or verdict not in (3, 4))
group by tenant, contact, contact_id, do_not_track, preference_time, anonymous_until,
    aggregate_until, off_until
having count(*) filter (where signal between $3 and $4) > 0
order by contact
limit $7
"""
