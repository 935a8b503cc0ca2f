"""Statements that fold identified events into the anonymous counters.

`tableoid` and `ctid` name the rows of a partitioned table. `contact >> 2` and
`contact >> 10` are blocks of contacts, and campaigns have the tenant in their upper 24
bits: by these events are indexed. What is materialized is found by contact alone, so
that no index is read for its order.
"""

# Begins a transaction that moves events of one tenant, one at a time: whoever then
# finds no more of them knows that what others took is committed.
BEGIN_ANONYMIZING = "{begin}; select pg_advisory_xact_lock({lock}, {tenant:d})"

# Promises to fold contacts' events.
INSERT_CONTACT_JOBS = """
insert into anonymization_jobs (tenant, contact, history, start_time, total_events, anonymized_events)
select $1, contact, $3, $4, 0, 0
from unnest($2::bigint[]) as given(contact)
"""

# Promises to fold the events of all whom a stricter policy concerns.
INSERT_POLICY_JOB = """
insert into anonymization_jobs (tenant, contact, history, start_time, total_events, anonymized_events)
values ($1, null, $2, $3, 0, 0)
"""

# Promises that have not been kept yet, by tenant.
TENANTS_WITH_JOBS = "select distinct tenant from anonymization_jobs order by tenant"

# A tenant's promises about contacts.
CONTACT_JOBS = """
select folding, contact, history
from anonymization_jobs
where tenant = $1 and contact is not null
    and ($2::bigint[] is null or contact = any($2::bigint[]))
order by folding
"""

# Those of them that are about contacts who have been erased.
ERASED_CONTACT_JOBS = """
select folding, contact, history
from anonymization_jobs
where tenant = $1 and contact is not null
    and not exists (
        select from contacts
        where contacts.tenant = $1 and contacts.contact = anonymization_jobs.contact
    )
order by folding
"""

# A tenant's promises about its policy.
POLICY_JOBS = """
select folding, history, start_time, total_events, anonymized_events
from anonymization_jobs
where tenant = $1 and contact is null
order by folding
"""

# Notes how many events a policy concerns.
SET_TOTAL = "update anonymization_jobs set total_events = $3 where tenant = $1 and folding = $2"

# Notes how many of them have been folded.
ADD_PROGRESS = """
update anonymization_jobs set anonymized_events = anonymized_events + $3 where tenant = $1 and folding = $2
"""

# Promises that have been kept.
DELETE_JOBS = "delete from anonymization_jobs where tenant = $1 and folding = any($2::bigint[])"

# What contacts have events on: (campaign, contact), and when the campaign was
# created.
PAIRS = """
with named as materialized (
    select campaign, contact
    from events
    where tenant = $1
        and contact >> 2 = any(array(select given >> 2 from unnest($2::bigint[]) as given))
        and contact = any($2::bigint[])
)
select campaign, contact, create_time
from (select distinct campaign, contact from named) as pairs
join campaigns using (campaign)
where tenant = $1
"""

# Takes a number of events of (campaign, contact) pairs out; all where it is null.
# Answers how many there were of each kind, of which there are few: the hours of a
# message. Hours count from 1970-01-01T00Z. Contacts are looked for before campaigns:
# they have fewer events.
TAKE_EVENTS = """
with named as materialized (
    select tableoid as part, ctid as place, campaign, contact
    from events
    where tenant = $1
        and contact >> 2 = any(array(select given >> 2 from unnest($3::bigint[]) as given))
        and contact = any($3::bigint[])
), taken as (
    select part, place
    from named
    join unnest($2::bigint[], $3::bigint[]) as given(campaign, contact) using (campaign, contact)
    limit $4
), deleted as (
    delete from events using taken
    where tenant = $1
        and contact >> 2 = any(array(select given >> 2 from unnest($3::bigint[]) as given))
        and contact = any($3::bigint[])
        and events.tableoid = taken.part and events.ctid = taken.place
    returning campaign, event_time, group_number, slot, signal, verdict, is_first
)
select campaign, group_number, slot, signal, verdict,
    floor(extract(epoch from event_time) / 3600)::integer as hour,
    count(*) as events, count(*) filter (where is_first) as first_events
from deleted
group by campaign, group_number, slot, signal, verdict, hour
"""

# Contacts with events in campaigns, where some of these are older than a time. In the
# order of an index, which is left after so many events.
EXPIRED = """
select distinct campaign, contact
from (
    select campaign, contact
    from events
    where tenant = $1 and event_time < $2
        and campaign between $1::bigint << 40 and ($1::bigint << 40) + (1::bigint << 40) - 1
    order by campaign, contact >> 10, contact
    limit $3
) as oldest
"""

# The slots that a contact's events on a campaign name.
SLOTS_OF_PAIR = """
select distinct campaign, group_number, slot
from events
where tenant = $1 and campaign = $2 and contact = $3
    and contact >> 10 = $3::bigint >> 10
"""

# What the events of one slot are, for moving its bits.
SLOT_SIGNALS = """
select distinct signal, verdict
from events
where tenant = $1 and contact = $2 and campaign = $3 and group_number = $4 and slot = $5
    and contact >> 10 = $2::bigint >> 10
"""

# Gives the events of one slot another slot.
MOVE_SLOT = """
update events
set slot = $6
where tenant = $1 and contact = $2 and campaign = $3 and group_number = $4 and slot = $5
    and contact >> 10 = $2::bigint >> 10
"""

# The next contacts with events that did not agree to be tracked, after a contact.
CONTACTS_WITH_EVENTS = """
select contact
from contacts
cross join lateral (
    select from events
    where events.tenant = $1
        and events.contact >> 2 = contacts.contact >> 2
        and events.contact = contacts.contact
    limit 1
) as found
where tenant = $1 and contact > $2 and do_not_track <> 2
order by contact
limit $3
"""

# How many events there are of contacts that did not agree.
COUNT_EVENTS = """
select count(*)
from events
join contacts using (tenant, contact)
where tenant = $1 and do_not_track <> 2
    and campaign between $1::bigint << 40 and ($1::bigint << 40) + (1::bigint << 40) - 1
"""
