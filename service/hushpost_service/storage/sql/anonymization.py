"""Statements of anonymization: its jobs, and the identified events that it deletes.

`tableoid` and `ctid` together identify a row of a partitioned table.

The indexes of `events` contain blocks of contacts: `contact >> 2` and `contact >> 10`.
The tenant is the upper 24 bits of a campaign number. CTEs are materialized so that the
planner looks events up by contact and does not read an index for its sort order.
"""

# Begins an anonymizing transaction. The lock serializes those of one tenant: a
# transaction that finds no more events knows that the others have committed.
BEGIN_ANONYMIZING = "{begin}; select pg_advisory_xact_lock({lock}, {tenant:d})"

# Inserts a job for each contact.
INSERT_CONTACT_JOBS = """
insert into anonymization_jobs
    (tenant, contact, history, start_time, total_events, anonymized_events)
select $1, contact, $3, $4, 0, 0
from unnest($2::bigint[]) as input(contact)
"""

# Inserts a job for all contacts that a stricter policy affects.
INSERT_POLICY_JOB = """
insert into anonymization_jobs
    (tenant, contact, history, start_time, total_events, anonymized_events)
values ($1, null, $2, $3, 0, 0)
"""

# Selects the tenants that have pending jobs.
TENANTS_WITH_JOBS = "select distinct tenant from anonymization_jobs order by tenant"

# Selects the pending jobs of some contacts, or of all if $2 is null.
CONTACT_JOBS = """
select job, contact, history
from anonymization_jobs
where tenant = $1 and contact is not null
    and ($2::bigint[] is null or contact = any($2::bigint[]))
order by job
"""

# Selects the pending jobs of contacts that have been erased.
ERASED_CONTACT_JOBS = """
select job, contact, history
from anonymization_jobs
where tenant = $1 and contact is not null
    and not exists (
        select from contacts
        where contacts.tenant = $1 and contacts.contact = anonymization_jobs.contact
    )
order by job
"""

# Selects the pending policy jobs.
POLICY_JOBS = """
select job, history, start_time, total_events, anonymized_events
from anonymization_jobs
where tenant = $1 and contact is null
order by job
"""

# Sets how many events a policy job has to anonymize.
SET_TOTAL_EVENTS = "update anonymization_jobs set total_events = $3 where tenant = $1 and job = $2"

# Adds to the number of events that a policy job has anonymized.
ADD_PROGRESS = """
update anonymization_jobs
set anonymized_events = anonymized_events + $3
where tenant = $1 and job = $2
"""

# Deletes finished jobs.
DELETE_JOBS = "delete from anonymization_jobs where tenant = $1 and job = any($2::bigint[])"

# Selects the (campaign, contact) pairs in which contacts have events, with the
# creation time of the campaign.
CAMPAIGNS_WITH_EVENTS = """
with contact_events as materialized (
    select campaign, contact
    from events
    where tenant = $1
        and contact >> 2 = any(array(select number >> 2 from unnest($2::bigint[]) as number))
        and contact = any($2::bigint[])
)
select campaign, contact, create_time
from (select distinct campaign, contact from contact_events) as pairs
join campaigns using (campaign)
where tenant = $1
"""

# Deletes at most $4 (null: all) events of (campaign, contact) pairs. Returns the number
# of deleted events of each kind; there are few kinds, mainly the hours of a message.
# Hours count from 1970-01-01T00Z. Events are looked up by contact first, because a
# contact has fewer events than a campaign.
DELETE_EVENTS = """
with contact_events as materialized (
    select tableoid as partition_oid, ctid as row_ctid, campaign, contact
    from events
    where tenant = $1
        and contact >> 2 = any(array(select number >> 2 from unnest($3::bigint[]) as number))
        and contact = any($3::bigint[])
), selected as (
    select partition_oid, row_ctid
    from contact_events
    join unnest($2::bigint[], $3::bigint[]) as input(campaign, contact) using (campaign, contact)
    limit $4
), deleted as (
    delete from events using selected
    where tenant = $1
        and contact >> 2 = any(array(select number >> 2 from unnest($3::bigint[]) as number))
        and contact = any($3::bigint[])
        and events.tableoid = selected.partition_oid and events.ctid = selected.row_ctid
    returning campaign, event_time, group_number, slot, signal, verdict, is_first
)
select campaign, group_number, slot, signal, verdict,
    floor(extract(epoch from event_time) / 3600)::integer as hour,
    count(*) as events, count(*) filter (where is_first) as first_events
from deleted
group by campaign, group_number, slot, signal, verdict, hour
"""

# Selects the (campaign, contact) pairs of at most $3 events that are older than $2. The
# sort order is that of an index, so that the scan ends at the limit.
CONTACTS_WITH_EXPIRED_EVENTS = """
select distinct campaign, contact
from (
    select campaign, contact
    from events
    where tenant = $1 and event_time < $2
        and campaign between $1::bigint << 40 and ($1::bigint << 40) + (1::bigint << 40) - 1
    order by campaign, contact >> 10, contact
    limit $3
) as expired
"""

# Selects the slots of a contact's events in a campaign.
CONTACT_SLOTS = """
select distinct campaign, group_number, slot
from events
where tenant = $1 and campaign = $2 and contact = $3
    and contact >> 10 = $3::bigint >> 10
"""

# Selects the signals and verdicts of a contact's events with one slot.
SLOT_SIGNALS = """
select distinct signal, verdict
from events
where tenant = $1 and contact = $2 and campaign = $3 and group_number = $4 and slot = $5
    and contact >> 10 = $2::bigint >> 10
"""

# Replaces the slot of a contact's events.
MOVE_SLOT = """
update events
set slot = $6
where tenant = $1 and contact = $2 and campaign = $3 and group_number = $4 and slot = $5
    and contact >> 10 = $2::bigint >> 10
"""

# Selects a page (keyset pagination by contact) of the contacts that have events although
# their preference is not FALSE (2), that is, without consent.
UNCONSENTED_CONTACTS = """
select contact
from contacts
cross join lateral (
    select from events
    where events.tenant = $1
        and events.contact >> 2 = contacts.contact >> 2
        and events.contact = contacts.contact
    limit 1
) as any_event
where tenant = $1 and contact > $2 and do_not_track <> 2
order by contact
limit $3
"""

# Counts the events of contacts that have not consented.
COUNT_UNCONSENTED_EVENTS = """
select count(*)
from events
join contacts using (tenant, contact)
where tenant = $1 and do_not_track <> 2
    and campaign between $1::bigint << 40 and ($1::bigint << 40) + (1::bigint << 40) - 1
"""
