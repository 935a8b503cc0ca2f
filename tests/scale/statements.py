"""Statements that fill a database of a size. All values follow from the row's number."""

__all__ = [
    "CAMPAIGN_TABLES",
    "CLAIMED_REQUEST_IDS",
    "CONTACTS",
    "COPY_POLICY",
    "COUNTERS",
    "EVENTS",
    "FREQUENT_EVENTS",
    "INDEXES",
    "PROBE_COUNTERS",
    "PROBE_EVENTS",
    "PROBE_SLOT_BITS",
    "SHAPE",
    "SLOT_BITS",
    "TENANTS",
]

# The campaigns, filled with COPY.
SHAPE = """
create unlogged table shape (
    tenant integer, campaign bigint, events bigint, first_contact bigint, contacts bigint,
    month integer, start timestamptz, is_probe boolean
)
"""

TENANTS = """
insert into tenants (tenant, tenant_id, display_name, create_time)
select n, 'tenant-' || n, '', now() from generate_series(1, {tenants}) as n
"""

# Claims request ids in a period.
CLAIMED_REQUEST_IDS = """
insert into request_ids (tenant, method, request_id, period)
select 1, 1, gen_random_uuid(), $1 from generate_series(1, $2)
"""

# Gives all tenants the policy of the one that was created by the service.
COPY_POLICY = """
insert into policies
select n, version, '2000-01-01', actor, anonymization_enabled, opens_when_unknown,
    opens_when_denied, opens_when_withdrawn, clicks_when_unknown, clicks_when_denied,
    clicks_when_withdrawn, history_when_true, retention_days, release, epsilon, release_delays,
    max_anonymous_messages, reask_after_days, record_last_opens
from policies
cross join generate_series(1, {tenants}) as n
"""

CONTACTS = """
insert into contacts (tenant, contact, contact_id, opens_consent, clicks_consent)
select tenant, first_contact + n, 'contact-' || lpad((first_contact + n)::text, 20, '0'), 1, 1
from (
    select tenant, tenant::bigint << 24 as first_contact, coalesce(contacts, 10) as contacts
    from tenants
    left join (select distinct tenant, contacts from shape) as known using (tenant)
    where tenant <= {tenants}
) as owners
cross join generate_series(0, contacts - 1) as n
order by 1, 2
"""

CAMPAIGN_TABLES = """
insert into campaigns (
    tenant, campaign, campaign_id, display_name, create_time, release, epsilon, release_delays,
    issue_key_digest, max_mode, start_time, next_release_time, search_text
)
select tenant, campaign, 'campaign-' || campaign, '', start, 1, 2, '{{1}}', '', 1, start,
    case when campaign % 10 = 0 then now() + interval '1 day' end, 'campaign-' || campaign
from shape;
insert into campaign_groups (
    tenant, campaign, group_number, group_id, cell, max_mode, expected_messages, issued
)
select tenant, campaign, n, 'group-' || n, n, 1, contacts / 2, contacts / 2
from shape cross join generate_series(1, 2) as n;
insert into links (tenant, campaign, link, url, label, revision)
select tenant, campaign, n, 'https://shop.example/' || n, '', nextval('link_revisions')
from shape cross join generate_series(1, {links}) as n;
insert into sent (tenant, campaign, group_number, purpose, mode, hour, messages)
select tenant, campaign, n, purpose, 1, extract(epoch from start)::integer / 3600, contacts / 2
from shape cross join generate_series(1, 2) as n cross join generate_series(1, 2) as purpose;
insert into releases (tenant, campaign, release, release_time)
select tenant, campaign, n, start + n * interval '1 day'
from shape cross join generate_series(0, 3) as n;
insert into released_counts (tenant, campaign, release, cell, signal, machine, mode, count)
select tenant, campaign, release, 1, signal, machine, 2, 7
from shape cross join generate_series(0, 3) as release
cross join generate_series(-1, {links}) as signal
cross join unnest(array[false, true]) as machine;
insert into released_sent (tenant, campaign, release, cell, purpose, mode, messages, noise)
select tenant, campaign, release, cell, purpose, 1, contacts / 2, 0
from shape cross join generate_series(0, 3) as release
cross join generate_series(1, 2) as cell cross join generate_series(1, 2) as purpose
"""

_COLUMNS = """
insert into events
    (tenant, campaign, contact, event_time, group_number, slot, signal, verdict, is_first)
"""

# 2654435761 is prime to most numbers of contacts, so that all contacts have events. Opens are
# 70%; half of the events come within 36 hours.
_EVENT = """
select tenant, campaign, first_contact + position,
    start + interval '12 days' * power(((n * 2654435761) & 1048575) / float8 '1048576', 3),
    1 + (position & 1), position / 2,
    case when n < 20 then {links} when n * 7919 % 10 < 7 then 0 else 1 + n % ({links} - 1) end,
    case when n % 10 = 0 then 4 else 1 end
from shape
cross join lateral generate_series(0, events - 1) as n
cross join lateral (select (n * 2654435761) % contacts as position) as of_event
"""

PROBE_EVENTS = f"""{_COLUMNS}
select *, row_number() over (
    partition by campaign, group_number, slot, signal, verdict order by event_time
) = 1
from ({_EVENT} where is_probe)
    as event(tenant, campaign, contact, event_time, group_number, slot, signal, verdict)
order by event_time
"""  # noqa: S608 - parts of this module

# The contacts 0 to {frequent} - 1 of the first probe tenant have a slot of their own for these.
FREQUENT_EVENTS = f"""{_COLUMNS}
select tenant, campaign, first_contact + contact, start + n * interval '1 hour',
    1 + (contact & 1), contacts + contact / 2, 0, 1, n = 0
from shape
cross join generate_series(0, {{frequent}} - 1) as contact
cross join generate_series(0, 249) as n
where tenant = {{tenant}}
order by n
"""  # noqa: S608 - parts of this module

# In the order of time, as events are recorded.
EVENTS = f"""{_COLUMNS}
select *, slot % 5 = 0 from ({_EVENT} where not is_probe and month = {{month}})
    as event(tenant, campaign, contact, event_time, group_number, slot, signal, verdict)
order by event_time
"""  # noqa: S608 - parts of this module

PROBE_COUNTERS = """
insert into counters
    (tenant, campaign, group_number, signal, machine, mode, hour, events, first_events)
select tenant, campaign, group_number, signal, verdict in (3, 4), 1,
    floor(extract(epoch from event_time) / 3600)::integer, count(*), count(*) filter (where is_first)
from events
where tenant >= {first}
group by 1, 2, 3, 4, 5, 7
"""

# Of the background: 48 hours at any number of events, because counters do not grow with it.
COUNTERS = """
insert into counters
    (tenant, campaign, group_number, signal, machine, mode, hour, events, first_events)
select tenant, campaign, group_number, signal, false, 1,
    extract(epoch from start)::integer / 3600 + hour, 1 + events / 700, 1 + events / 1400
from shape
cross join generate_series(1, 2) as group_number
cross join generate_series(0, {links}) as signal
cross join generate_series(0, 47) as hour
where not is_probe
"""

PROBE_SLOT_BITS = """
with chunks as materialized (
    select size, repeat('0', size)::varbit as zeros from unnest(array[4096, 16384]) as size
)
insert into slot_bits (tenant, campaign, group_number, signal, machine, mode, chunk, bits)
select tenant, campaign, group_number, signal, verdict in (3, 4), 1, slot / size,
    bit_or(set_bit(zeros, slot % size, 1))
from events
join chunks on (signal = 0) = (size = 4096)
where tenant >= {first}
group by 1, 2, 3, 4, 5, 7
"""

SLOT_BITS = """
insert into slot_bits (tenant, campaign, group_number, signal, machine, mode, chunk, bits)
select tenant, campaign, group_number, signal, false, 1, chunk, repeat('01', size / 2)::varbit
from shape
cross join generate_series(1, 2) as group_number
cross join generate_series(0, {links}) as signal
cross join lateral (select case when signal = 0 then 4096 else 16384 end as size) as chunks
cross join lateral generate_series(0, contacts / 2 / size) as chunk
where not is_probe
"""

# The indexes of events, which are created once the rows are there.
INDEXES = """
select relname, pg_get_indexdef(indexrelid) as definition
from pg_index join pg_class on pg_class.oid = indexrelid
where indrelid = 'events'::regclass
"""
