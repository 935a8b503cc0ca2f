"""Statements about numbers. What they cost never depends on the events."""

# Messages sent by group, mode and hour.
SENT = """
select group_number, mode, hour, messages
from sent
where tenant = $1 and campaign = $2
"""

# Identified events by group, by link and by hour. `kind` says which of these a row is:
# 0 = (group, open or click), 1 = (link), 2 = (hour, open or click).
EVENTS = """
select
    case when grouping(group_number) = 0 then 0 when grouping(signal) = 0 then 1 else 2 end as kind,
    group_number, signal, hour, is_click, machine,
    sum(events)::bigint as events, sum(first_events)::bigint as first_events
from (
    select group_number, signal, hour, signal > 0 as is_click, machine, events, first_events
    from counters
    where tenant = $1 and campaign = $2 and mode = 1
) as counted
group by grouping sets (
    (group_number, is_click, machine),
    (signal, machine),
    (hour, is_click, machine)
)
"""

# Distinct identified people by group: those who opened, and those who clicked any link.
PEOPLE_OF_GROUPS = """
select group_number, is_click, machine, sum(bit_count(bits))::bigint as people
from (
    select group_number, signal > 0 as is_click, machine, chunk, bit_or(bits) as bits
    from slot_bits
    where tenant = $1 and campaign = $2 and mode = 1
    group by group_number, is_click, machine, chunk
) as seen
group by group_number, is_click, machine
"""

# Distinct identified people by link: groups share no slot.
PEOPLE_OF_LINKS = """
select signal, machine, sum(bit_count(bits))::bigint as people
from slot_bits
where tenant = $1 and campaign = $2 and signal > 0 and mode = 1
group by signal, machine
"""

# What has been published, by group, by link and by hour, with `kind` as above. What
# was folded is told together with the rest.
PUBLISHED = """
select
    case when grouping(group_number) = 0 then 0 when grouping(signal) = 0 then 1 else 2 end as kind,
    group_number, signal, hour, is_click, machine, mode,
    sum(events)::bigint as events,
    sum(people) filter (where signal <= 0)::bigint as people,
    sum(people) filter (where signal > 0)::bigint as people_of_link
from (
    select group_number, signal, hour, signal <> 0 as is_click, machine, mode % 10 as mode,
        events, people
    from publications
    where tenant = $1 and campaign = $2
) as told
group by grouping sets (
    (group_number, is_click, machine, mode),
    (signal, machine, mode),
    (hour, is_click, machine, mode)
)
"""

# Anonymous cells that stand $3 (the quorum) or more above what is published of them,
# with the people who clicked any link of the group. All of it by one statement, so
# that it is of one moment. Whoever was folded and acts again adds to the events alone,
# unless numbers are exact.
WAITING = """
with seen as (
    select group_number, signal, machine, chunk,
        coalesce(bit_or(bits) filter (where mode = 2), 0::bit(4096)) as anonymous,
        coalesce(bit_or(bits) filter (where mode = 12), 0::bit(4096)) as folded
    from slot_bits
    where tenant = $1 and campaign = $2 and mode in (2, 12)
    group by group_number, signal, machine, chunk
), clicked as (
    select group_number, machine, chunk, bit_or(anonymous) as anonymous, bit_or(folded) as folded
    from seen
    where signal > 0
    group by group_number, machine, chunk
), people as (
    select group_number, signal, machine, part.mode, sum(bit_count(part.bits))::bigint as people
    from seen
    left join clicked using (group_number, machine, chunk)
    cross join lateral (
        values
            (
                2::smallint,
                seen.anonymous
                & ~case when signal = 0 or $3 = 1 then seen.folded else clicked.folded end
            ),
            (12::smallint, seen.folded)
    ) as part (mode, bits)
    group by group_number, signal, machine, part.mode
), clickers as (
    select group_number, machine, part.mode, sum(bit_count(part.bits))::bigint as people
    from clicked
    cross join lateral (
        values (2::smallint, anonymous & ~folded), (12::smallint, folded)
    ) as part (mode, bits)
    group by group_number, machine, part.mode
), told as (
    select group_number, signal, machine, mode,
        sum(events)::bigint as events, sum(people)::bigint as people
    from publications
    where tenant = $1 and campaign = $2
    group by group_number, signal, machine, mode
)
select live.group_number, live.signal, live.machine, live.mode,
    live.events, coalesce(people.people, 0) as people,
    coalesce(told.events, 0) as told_events, coalesce(told.people, 0) as told_people,
    coalesce(clickers.people, 0) as clickers, coalesce(told_clickers.people, 0) as told_clickers
from counters as live
left join people using (group_number, signal, machine, mode)
left join told using (group_number, signal, machine, mode)
left join clickers using (group_number, machine, mode)
left join told as told_clickers on told_clickers.group_number = live.group_number
    and told_clickers.signal = -1
    and told_clickers.machine = live.machine
    and told_clickers.mode = live.mode
where live.tenant = $1 and live.campaign = $2 and live.mode <> 1
    and case
        when $3 = 1
            then (live.events, coalesce(people.people, 0))
                <> (coalesce(told.events, 0), coalesce(told.people, 0))
        when live.mode in (2, 12) then people.people - coalesce(told.people, 0) >= $3
        else live.events - coalesce(told.events, 0) >= $3
    end
order by live.group_number, live.signal
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
# to $4, with their preferences. Events by machines count only if $5. Read in the order
# of an index, by blocks of contacts, so that a page costs no more than its contacts.
ENGAGED_CONTACTS = """
select contact, contact_id,
    count(*) filter (where signal = 0) as opens,
    count(*) filter (where signal > 0) as clicks,
    min(event_time) as first_event_time, max(event_time) as last_event_time,
    do_not_track, preference_time, anonymous_until, aggregate_until, off_until
from events
join contacts using (tenant, contact)
where tenant = $1 and campaign = $2
    and contact > $6 and contact >> 10 >= $6 >> 10
    and ($5 or verdict not in (3, 4))
group by contact >> 10, contact, contact_id, do_not_track, preference_time, anonymous_until,
    aggregate_until, off_until
having count(*) filter (where signal between $3::integer and $4::integer) > 0
order by contact >> 10, contact
limit $7
"""
