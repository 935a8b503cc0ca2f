"""Statements about statistics. Reports read counters, so their cost does not grow with events.

Only `ENGAGED_BLOCKS` and `ENGAGED_CONTACTS` read events.
"""

# Selects the numbers of messages sent, by group, mode and hour.
SENT_MESSAGES = """
select group_number, mode, hour, messages
from sent
where tenant = $1 and campaign = $2
"""

# Selects the numbers of identified events. `kind` is the grouping of a row:
# 0 = (group, open or click), 1 = (link), 2 = (hour, open or click).
IDENTIFIED_EVENTS = """
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

# Counts distinct identified people by group: those who opened, those who clicked any link.
PEOPLE_BY_GROUP = """
select group_number, is_click, machine, sum(bit_count(bits))::bigint as people
from (
    select group_number, signal > 0 as is_click, machine, chunk, bit_or(bits) as bits
    from slot_bits
    where tenant = $1 and campaign = $2 and mode = 1
    group by group_number, is_click, machine, chunk
) as marked
group by group_number, is_click, machine
"""

# Counts distinct identified people by link. The groups can be added up, because each has
# its own slots.
PEOPLE_BY_LINK = """
select signal, machine, sum(bit_count(bits))::bigint as people
from slot_bits
where tenant = $1 and campaign = $2 and signal > 0 and mode = 1
group by signal, machine
"""

# Selects the published counts, with `kind` as in `IDENTIFIED_EVENTS`. Anonymized events
# (mode 12 or 13) are added to those that were anonymous from the start.
PUBLISHED_COUNTS = """
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
) as published
group by grouping sets (
    (group_number, is_click, machine, mode),
    (signal, machine, mode),
    (hour, is_click, machine, mode)
)
"""

# Selects the anonymous cells whose live count exceeds the published count by at least $3
# (the quorum; if it is 1, all cells that differ), with the people who clicked any link of
# the group. One statement, so that all counts come from one snapshot.
#
# A contact whose events were anonymized (mode 12) and who acts again (mode 2) counts as
# one person: the events of mode 2 count, the person does not. With a quorum of 1 that
# holds for each link, otherwise for all links of a group together.
UNPUBLISHED_CELLS = """
with marked as (
    select group_number, signal, machine, chunk,
        coalesce(bit_or(bits) filter (where mode = 2), 0::bit(4096)) as anonymous,
        coalesce(bit_or(bits) filter (where mode = 12), 0::bit(4096)) as anonymized
    from slot_bits
    where tenant = $1 and campaign = $2 and mode in (2, 12)
    group by group_number, signal, machine, chunk
), clicked as (
    select group_number, machine, chunk,
        bit_or(anonymous) as anonymous, bit_or(anonymized) as anonymized
    from marked
    where signal > 0
    group by group_number, machine, chunk
), people as (
    select group_number, signal, machine, part.mode, sum(bit_count(part.bits))::bigint as people
    from marked
    left join clicked using (group_number, machine, chunk)
    cross join lateral (
        values
            (
                2::smallint,
                marked.anonymous
                & ~case when signal = 0 or $3 = 1 then marked.anonymized else clicked.anonymized end
            ),
            (12::smallint, marked.anonymized)
    ) as part (mode, bits)
    group by group_number, signal, machine, part.mode
), clickers as (
    select group_number, machine, part.mode, sum(bit_count(part.bits))::bigint as people
    from clicked
    cross join lateral (
        values (2::smallint, anonymous & ~anonymized), (12::smallint, anonymized)
    ) as part (mode, bits)
    group by group_number, machine, part.mode
), published as (
    select group_number, signal, machine, mode,
        sum(events)::bigint as events, sum(people)::bigint as people
    from publications
    where tenant = $1 and campaign = $2
    group by group_number, signal, machine, mode
)
select live.group_number, live.signal, live.machine, live.mode,
    live.events, coalesce(people.people, 0) as people,
    coalesce(published.events, 0) as published_events,
    coalesce(published.people, 0) as published_people,
    coalesce(clickers.people, 0) as clickers,
    coalesce(published_clickers.people, 0) as published_clickers
from counters as live
left join people using (group_number, signal, machine, mode)
left join published using (group_number, signal, machine, mode)
left join clickers using (group_number, machine, mode)
left join published as published_clickers on published_clickers.group_number = live.group_number
    and published_clickers.signal = -1
    and published_clickers.machine = live.machine
    and published_clickers.mode = live.mode
where live.tenant = $1 and live.campaign = $2 and live.mode <> 1
    and case
        when $3 = 1
            then (live.events, coalesce(people.people, 0))
                <> (coalesce(published.events, 0), coalesce(published.people, 0))
        when live.mode in (2, 12) then people.people - coalesce(published.people, 0) >= $3
        else live.events - coalesce(published.events, 0) >= $3
    end
order by live.group_number, live.signal
"""

# Serializes the publication of a campaign's counts, until the commit.
LOCK_PUBLICATION = "select pg_advisory_xact_lock($1)"

# Adds increments to the published counts of the current hour (upsert).
PUBLISH = """
insert into publications as existing
    (tenant, campaign, group_number, signal, machine, mode, hour, events, people)
select $1, $2, group_number, signal, machine, mode, $3, events, people
from unnest(
    $4::integer[], $5::integer[], $6::boolean[], $7::smallint[], $8::bigint[], $9::bigint[]
) as input(group_number, signal, machine, mode, events, people)
on conflict (tenant, campaign, group_number, signal, machine, mode, hour)
do update set events = existing.events + excluded.events, people = existing.people + excluded.people
"""

# Selects at most $7 blocks of contacts (`contact >> 10`), from $6 on, that have an event
# with a signal from $3 to $4 in a campaign. Events with an automated verdict count only
# if $5 is true.
#
# Each recursion finds the next block with one lookup per signal in the index
# (campaign, signal, automated, block), so that a rare signal costs little. The order by
# block within each lookup leaves the planner no other index.
ENGAGED_BLOCKS = """
with recursive probes as materialized (
    select signal::smallint as signal, machine
    from (
        select 0 as signal union all select link from links where tenant = $1 and campaign = $2
    ) as signals
    cross join unnest(array[false, $5]) as machine
    where signal between $3::integer and $4::integer
    group by signal, machine
), blocks as (
    select $6::bigint - 1 as block
    union all
    select next.block
    from blocks
    cross join lateral (
        select first.block
        from probes
        cross join lateral (
            select contact >> 10 as block
            from events
            where tenant = $1 and campaign = $2 and signal = probes.signal
                and (verdict in (3, 4)) = probes.machine
                and contact >> 10 > blocks.block
            order by contact >> 10
            limit 1
        ) as first
        order by first.block
        limit 1
    ) as next
)
select block from blocks offset 1 limit $7
"""

# Selects the contacts in blocks $6 of a campaign, after contact $7, that have an event with
# a signal from $3 to $4, and their preferences. Events with an automated verdict count only
# if $5 is true.
ENGAGED_CONTACTS = """
with engaged as materialized (
    select contact,
        count(*) filter (where signal = 0) as opens,
        count(*) filter (where signal > 0) as clicks,
        min(event_time) as first_event_time, max(event_time) as last_event_time
    from events
    where tenant = $1 and campaign = $2
        and signal = any(array(
            select 0 union all select link from links where tenant = $1 and campaign = $2
        ))
        and (verdict in (3, 4)) = any(array[false, $5])
        and contact >> 10 = any($6::bigint[])
        and contact > $7
    group by contact
    having count(*) filter (where signal between $3::integer and $4::integer) > 0
)
select engaged.contact, contact_id, opens, clicks, first_event_time, last_event_time,
    do_not_track, preference_time, anonymous_until, aggregate_until, off_until
from engaged
cross join lateral (
    select contact_id, do_not_track, preference_time, anonymous_until, aggregate_until, off_until
    from contacts
    where tenant = $1 and contact between engaged.contact and engaged.contact
    order by contact
    limit 1
) as found
order by engaged.contact
"""
