"""Statements about statistics. Reports read counters, so their cost does not grow with events.

Only `ENGAGED_BLOCKS` and `ENGAGED_CONTACTS` read events.
"""

from hushpost_service.storage.sql.preference_columns import PREFERENCE_COLUMNS

# Selects the numbers of messages sent, by group, mode of each purpose, and hour.
SENT_MESSAGES = """
select group_number, purpose, mode, hour, messages
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

# Counts distinct people by group: those who opened, those who clicked any link. $3 has the
# modes; a slot with several of them counts once.
PEOPLE_BY_GROUP = """
select group_number, is_click, machine, sum(bit_count(bits))::bigint as people
from (
    select group_number, signal > 0 as is_click, machine, chunk, bit_or(bits) as bits
    from slot_bits
    where tenant = $1 and campaign = $2 and mode = any($3::smallint[])
    group by group_number, is_click, machine, chunk
) as marked
group by group_number, is_click, machine
"""

# Counts distinct people by link; $3 as above. The groups can be added up, because each has
# its own slots.
PEOPLE_BY_LINK = """
select signal, machine, sum(bit_count(bits))::bigint as people
from (
    select signal, machine, group_number, chunk, bit_or(bits) as bits
    from slot_bits
    where tenant = $1 and campaign = $2 and signal > 0 and mode = any($3::smallint[])
    group by signal, machine, group_number, chunk
) as marked
group by signal, machine
"""

# Counts the same if $3 has one mode. Without bitmaps to combine it takes 60 to 70 % of the time, and writes no
# temporary files for campaigns with many groups and links.
PEOPLE_BY_LINK_OF_ONE_MODE = """
select signal, machine, sum(bit_count(bits))::bigint as people
from slot_bits
where tenant = $1 and campaign = $2 and signal > 0 and mode = any($3::smallint[])
group by signal, machine
"""

# Selects the numbers of anonymous and aggregate events, anonymized ones (mode 12 or 13)
# included. `is_link` is whether a row counts the clicks on link `signal` in all groups;
# otherwise it counts a group's opens, or clicks on any link.
ANONYMOUS_EVENTS = """
select grouping(group_number) = 1 as is_link, group_number, signal, is_click, machine, mode,
    sum(events)::bigint as events
from (
    select group_number, signal, signal > 0 as is_click, machine, mode % 10 as mode, events
    from counters
    where tenant = $1 and campaign = $2 and mode > 1
) as counted
group by grouping sets ((group_number, is_click, machine, mode), (signal, machine, mode))
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
# a signal from $3 to $4, and their preferences. For opens and for clicks: the number of all
# events, the number of those with such a signal, and the first and the last time. Events with
# an automated verdict count only if $5 is true.
ENGAGED_CONTACTS = f"""
with engaged as materialized (
    select contact,
        count(*) filter (where signal = 0) as opens,
        count(*) filter (where signal = 0 and $3 = 0) as selected_opens,
        min(event_time) filter (where signal = 0) as first_open,
        max(event_time) filter (where signal = 0) as last_open,
        count(*) filter (where signal > 0) as clicks,
        count(*) filter (where signal > 0 and signal between $3::integer and $4::integer)
            as selected_clicks,
        min(event_time) filter (where signal > 0) as first_click,
        max(event_time) filter (where signal > 0) as last_click
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
select engaged.contact, contact_id, opens, selected_opens, first_open, last_open,
    clicks, selected_clicks, first_click, last_click,
    {PREFERENCE_COLUMNS}
from engaged
cross join lateral (
    select contact_id, {PREFERENCE_COLUMNS}
    from contacts
    where tenant = $1 and contact between engaged.contact and engaged.contact
    order by contact
    limit 1
) as found
order by engaged.contact
"""
