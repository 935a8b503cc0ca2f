"""Statements of anonymization: its jobs, and the identified events that it deletes.

`tableoid` and `ctid` together identify a row of a partitioned table.

Events of a contact are looked up by its block, `contact >> 2`, because the index contains
blocks. The tenant is the upper 24 bits of a campaign number. CTEs are materialized, and
`campaign + 0` and `signal + 0` are written instead of `campaign` and `signal`, so that the
planner looks events up by contact: a contact has fewer events than a campaign.
"""

# Inserts a job for each contact; returns the jobs.
INSERT_CONTACT_JOBS = """
insert into anonymization_jobs
    (tenant, contact, history, start_time, total_events, anonymized_events)
select $1, contact, $3, $4, 0, 0
from unnest($2::bigint[]) as input(contact)
returning job, contact, history
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

# Selects the (campaign, contact) pairs in which contacts have events, with the creation time of
# the campaign and the number of events.
CAMPAIGNS_WITH_EVENTS = """
with pairs as materialized (
    select campaign, contact, count(*) as events
    from events
    where tenant = $1
        and contact >> 2 = any(array(select number >> 2 from unnest($2::bigint[]) as number))
        and contact = any($2::bigint[])
    group by campaign, contact
)
select pairs.campaign, contact, create_time, events
from pairs
cross join lateral (
    select create_time
    from campaigns
    where tenant = $1 and campaign between pairs.campaign and pairs.campaign
    order by campaign
    limit 1
) as found
"""

# Parts of statements: the columns of deleted events, and their number by kind. There are few kinds,
# mainly the hours of a message. Hours count from 1970-01-01T00Z.
_DELETED = "campaign, event_time, group_number, slot, signal, verdict, is_first"
_COUNT_DELETED = """
select campaign, group_number, slot, signal, verdict,
    floor(date_part('epoch', event_time) / 3600)::integer as hour,
    count(*) as events, count(*) filter (where is_first) as first_events
from deleted
group by campaign, group_number, slot, signal, verdict, hour
"""

# Deletes all events of (campaign, contact) pairs, with signals from $4 to $5. Returns the number of
# deleted events of each kind.
#
# `is true` keeps the planner from making a join of the pairs: it then looks them up in a hash
# table, and reads the events once.
DELETE_EVENTS = f"""
with deleted as (
    delete from events
    where tenant = $1
        and contact >> 2
            = any(array(select distinct number >> 2 from unnest($3::bigint[]) as number))
        and ((campaign, contact) in (select * from unnest($2::bigint[], $3::bigint[]))) is true
        and signal + 0 between $4::integer and $5::integer
    returning {_DELETED}
)
{_COUNT_DELETED}"""

# Deletes at most $6 of these events, which costs twice as much per event.
DELETE_SOME_EVENTS = f"""
with contact_events as materialized (
    select tableoid as partition_oid, ctid as row_ctid, campaign, contact
    from events
    where tenant = $1
        and contact >> 2
            = any(array(select distinct number >> 2 from unnest($3::bigint[]) as number))
        and signal + 0 between $4::integer and $5::integer
), selected as (
    select partition_oid, row_ctid
    from contact_events
    join unnest($2::bigint[], $3::bigint[]) as input(campaign, contact) using (campaign, contact)
    limit $6
), deleted as (
    delete from events using selected
    where tenant = $1
        and contact >> 2
            = any(array(select distinct number >> 2 from unnest($3::bigint[]) as number))
        and events.tableoid = selected.partition_oid and events.ctid = selected.row_ctid
    returning {_DELETED}
)
{_COUNT_DELETED}"""

# Reads at most $8 events before $3, in the order of an index, from the place $4 to $7 on. Returns how
# many these are, the campaigns and contacts of those that are older than $2, and the last place. $3
# is the end of a month, so that it filters no rows, but leaves out later partitions.
EXPIRED_EVENTS = """
with read as materialized (
    select campaign, signal, verdict in (3, 4) as machine, contact >> 10 as block, contact, event_time
    from events
    where tenant = $1 and event_time < $3
        and campaign < ($1::bigint << 40) + (1::bigint << 40)
        and (campaign, signal, (verdict in (3, 4)), contact >> 10)
            >= ($4::bigint, $5::smallint, $6::boolean, $7::bigint)
    order by campaign, signal, (verdict in (3, 4)), contact >> 10
    limit $8
)
select
    count(*) as events,
    coalesce(array_agg(campaign) filter (where event_time < $2), '{}') as campaigns,
    coalesce(array_agg(contact) filter (where event_time < $2), '{}') as contacts,
    (
        select array[campaign, signal, machine::integer, block]
        from read
        order by campaign desc, signal desc, machine desc, block desc
        limit 1
    ) as last
from read
"""

# Selects the slots of a contact's events in a campaign, with signals from $4 to $5.
CONTACT_SLOTS = """
select distinct campaign, group_number, slot
from events
where tenant = $1 and campaign + 0 = $2 and contact = $3
    and contact >> 2 = $3::bigint >> 2
    and signal + 0 between $4::integer and $5::integer
"""

# Selects the signals and verdicts of a contact's events with one slot, with signals from $6
# to $7.
SLOT_SIGNALS = """
select distinct signal, verdict
from events
where tenant = $1 and contact = $2 and campaign + 0 = $3 and group_number = $4 and slot = $5
    and contact >> 2 = $2::bigint >> 2
    and signal + 0 between $6::integer and $7::integer
"""

# Replaces the slot of a contact's events with signals from $6 to $7.
MOVE_SLOT = """
update events
set slot = $8
where tenant = $1 and contact = $2 and campaign + 0 = $3 and group_number = $4 and slot = $5
    and contact >> 2 = $2::bigint >> 2
    and signal + 0 between $6::integer and $7::integer
"""

# Selects the campaigns that have identified events, with their number, from counters.
IDENTIFIED_CAMPAIGNS = """
select campaign, sum(events)::bigint as events
from counters
where tenant = $1 and mode = 1
group by campaign
having sum(events) > 0
order by campaign
"""

# Selects the contacts that have events in blocks $3 (`contact >> 10`) of a campaign, except
# those that have granted (2) consent to both purposes and whose modes have always been IDENTIFIED
# since the campaign was created. A contact may have consented after a policy made it ANONYMOUS.
UNCONSENTED_CONTACTS = """
with engaged as materialized (
    select distinct contact
    from events
    where tenant = $1 and campaign = $2
        and signal = any(array(
            select 0 union all select link from links where tenant = $1 and campaign = $2
        ))
        and (verdict in (3, 4)) = any(array[false, true])
        and contact >> 10 = any($3::bigint[])
)
select engaged.contact
from engaged
cross join lateral (
    select opens_consent, clicks_consent, opens_anonymous_until, clicks_anonymous_until
    from contacts
    where tenant = $1 and contact between engaged.contact and engaged.contact
    order by contact
    limit 1
) as found
where opens_consent <> 2
    or clicks_consent <> 2
    or greatest(opens_anonymous_until, clicks_anonymous_until) >= (
        select create_time from campaigns where tenant = $1 and campaign = $2
    )
order by engaged.contact
"""
