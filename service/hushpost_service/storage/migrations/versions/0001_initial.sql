-- Everything is keyed by tenant first, so that the schema can be distributed by
-- tenant. Only `tenants` and `api_keys` are small enough to stand everywhere.
--
-- `collate "C"`: ids are compared as bytes, never sorted for people.

create table tenants (
    tenant integer generated always as identity (maxvalue 8388607) primary key,
    tenant_id text collate "C" not null unique,
    display_name text not null,
    create_time timestamptz not null
);

-- Every policy that a tenant has had; the one of the highest version is in
-- force. The older ones say how strict earlier messages stay, and are the audit
-- log of the quorum.
create table policies (
    tenant integer not null,
    version integer not null,
    valid_from timestamptz not null,
    actor text not null,
    anonymization_enabled boolean not null,
    mode_when_true smallint not null,
    mode_when_unset smallint not null,
    quorum integer not null,
    history_when_true smallint not null,
    retention_days integer not null,
    primary key (tenant, version)
);

create table api_keys (
    api_key bigint generated always as identity primary key,
    -- Null: for all tenants.
    tenant integer,
    role smallint not null,
    display_name text not null,
    -- SHA-256 of the secret, which has 256 random bits: nothing to guess.
    secret_hash bytea not null unique,
    create_time timestamptz not null,
    revoke_time timestamptz
);

create table contacts (
    tenant integer not null,
    contact bigint generated always as identity,
    contact_id text collate "C" not null,
    do_not_track smallint not null,
    -- When the preference was last changed.
    preference_time timestamptz,
    -- Until when the contact's mode was at least that strict: campaigns created
    -- up to then stay that strict for it.
    anonymous_until timestamptz,
    aggregate_until timestamptz,
    off_until timestamptz,
    primary key (tenant, contact),
    unique (tenant, contact_id)
-- ConcurrencyLimit for changes of preferences in the row's page: indexes then stay as they are.
) with (fillfactor = 80);

-- Makes contacts known, as UNSET, whose ids are the lines of $2; answers their numbers
-- in the same order. Where one of them is known already it does nothing and answers
-- null. "on conflict" would have each row probe for others, and be confirmed. What is
-- caught here the server does not log: the words would quote an id.
create function make_known(integer, text) returns bigint[] language plpgsql as $$
declare
    ids text[] := string_to_array($2, E'\n');
    numbers bigint[];
begin
    select array_agg(nextval('contacts_contact_seq')) into numbers
    from generate_series(1, cardinality(ids));
    insert into contacts (tenant, contact, contact_id, do_not_track)
    overriding system value
    select $1, given.contact, given.contact_id, 1
    from unnest(numbers, ids) as given(contact, contact_id);
    return numbers;
exception
    when unique_violation then
        return null;
end
$$;

create table preference_changes (
    tenant integer not null,
    change bigint generated always as identity,
    contact_id text collate "C" not null,
    old_do_not_track smallint not null,
    new_do_not_track smallint not null,
    source smallint not null,
    evidence text not null,
    actor text not null,
    change_time timestamptz not null,
    primary key (tenant, change)
);
create index preference_changes_contact on preference_changes (tenant, contact_id, change);

create table campaigns (
    tenant integer not null,
    campaign bigint not null,
    campaign_id text collate "C" not null,
    display_name text not null,
    create_time timestamptz not null,
    close_time timestamptz,
    primary key (tenant, campaign),
    unique (tenant, campaign_id)
);
create index campaigns_newest on campaigns (tenant, create_time, campaign);

-- `revision` grows in commit order (registering links is serialised), so that
-- an edge can resume a stream by it.
create sequence link_revisions;
create table links (
    tenant integer not null,
    campaign bigint not null,
    link integer not null,
    url text not null,
    label text not null,
    revision bigint not null,
    primary key (tenant, campaign, link)
);
create index links_revision on links (revision);

create table campaign_groups (
    tenant integer not null,
    campaign bigint not null,
    group_number integer not null,
    group_id text collate "C" not null,
    -- The first slot that no process has reserved yet.
    next_slot bigint not null default 0,
    primary key (tenant, campaign, group_number),
    unique (tenant, campaign, group_id)
) with (fillfactor = 50);

-- Messages sent, by mode at send. Hours count from 1970-01-01T00Z.
create table sent (
    tenant integer not null,
    campaign bigint not null,
    group_number integer not null,
    mode smallint not null,
    hour integer not null,
    messages bigint not null,
    primary key (tenant, campaign, group_number, mode, hour)
) with (fillfactor = 50);

-- Events by signal (0 = open, n = click on link n). `hour` is 0 for events that
-- are not identified: they carry no time. `first_events` counts those that were
-- the first of their slot and signal; only for identified ones. `mode` is that of
-- the events, or 10 more where they were identified once and have been folded.
create table counters (
    tenant integer not null,
    campaign bigint not null,
    group_number integer not null,
    signal integer not null,
    machine boolean not null,
    mode smallint not null,
    hour integer not null,
    events bigint not null,
    first_events bigint not null,
    primary key (tenant, campaign, group_number, signal, machine, mode, hour)
) with (fillfactor = 50);

-- Which slots an event was seen from: bit (slot mod 4096) of chunk (slot / 4096).
-- `mode` as in `counters`.
create table slot_bits (
    tenant integer not null,
    campaign bigint not null,
    group_number integer not null,
    signal integer not null,
    machine boolean not null,
    mode smallint not null,
    chunk integer not null,
    bits bit(4096) not null,
    primary key (tenant, campaign, group_number, signal, machine, mode, chunk)
) with (fillfactor = 50);

-- Identified events. `is_first` marks the first of its slot and signal, so that
-- folding takes back exactly what was counted. Wide columns first: none is padded. A
-- campaign has at most 10,000 groups and as many links.
create table events (
    campaign bigint not null,
    contact bigint not null,
    event_time timestamptz not null,
    tenant integer not null,
    slot integer not null,
    group_number smallint not null,
    signal smallint not null,
    verdict smallint not null,
    is_first boolean not null
) partition by range (event_time);
-- By blocks of contacts, 4 and 1,024 of them: a B-tree stores a key once for many rows.
-- Statements name one block besides the contact. Numbers of contacts and campaigns are
-- of one tenant only: with the tenant in front, either index would serve any statement,
-- and without statistics the planner would take the wrong one.
create index events_contact on events ((contact >> 2));
create index events_campaign on events (campaign, (contact >> 10));

-- Requests that have been carried out. No time but the period (a week), so that
-- a receipt does not date the anonymous events that it came with. `subject` is
-- the number of what the request made, if anything.
create table receipts (
    tenant integer not null,
    method smallint not null,
    request_id uuid not null,
    period integer not null,
    subject bigint,
    primary key (tenant, method, request_id, period)
) partition by list (period);

-- What has been published of the anonymous numbers, by hour of publication; a
-- published number is the sum over its hours, and for a link over the groups.
-- `signal` and `mode` as in `counters`; signal -1 has the people who clicked any link.
create table publications (
    tenant integer not null,
    campaign bigint not null,
    group_number integer not null,
    signal integer not null,
    machine boolean not null,
    mode smallint not null,
    hour integer not null,
    events bigint not null,
    people bigint not null,
    primary key (tenant, campaign, group_number, signal, machine, mode, hour)
) with (fillfactor = 50);

-- Anonymizer that has been promised and is not finished: of one contact, or, where
-- `contact` is null, of all whom a stricter policy concerns.
create table anonymization_jobs (
    tenant integer not null,
    folding bigint generated always as identity,
    contact bigint,
    history smallint not null,
    start_time timestamptz not null,
    total_events bigint not null,
    anonymized_events bigint not null,
    primary key (tenant, folding)
);
create index anonymization_jobs_contact on anonymization_jobs (tenant, contact);

-- Samples of columns, which the planner would keep, outlast the rows that they were
-- taken from: nothing that names or singles out anybody is sampled. Every statement
-- has an index to go by. Partitions do not inherit this; see `CREATE_EVENTS`.
alter table contacts alter column contact_id set statistics 0;
alter table preference_changes
    alter column contact_id set statistics 0,
    alter column evidence set statistics 0;
alter table events
    alter column contact set statistics 0,
    alter column event_time set statistics 0,
    alter column slot set statistics 0;
alter table anonymization_jobs alter column contact set statistics 0;
alter table slot_bits alter column bits set statistics 0;
