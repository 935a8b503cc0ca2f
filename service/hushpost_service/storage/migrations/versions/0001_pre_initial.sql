-- The first column of every primary key is the tenant, so that the schema can be
-- distributed by tenant. Only `tenants`, `api_keys`, `keyring_keys` and `tracking_domains` are
-- reference tables.
--
-- Ids use `collate "C"`: they are compared as bytes and never sorted for people.
--
-- No number comes from a sequence alone. A database that is restored from a backup, or a
-- standby that is promoted, may lack the last commits, and its sequences would return
-- the lost numbers again. Then a token in old mail would name another contact, and a cursor
-- would skip rows. Tenants, contacts and campaigns have random numbers, which the
-- authority chooses. Numbers that must ascend contain the time.

-- Returns an ascending number: milliseconds since 1970, then 20 bits of a sequence, which
-- make it unique within the millisecond.
create sequence ascending_numbers;
create function ascending_number() returns bigint language sql volatile as $$
    select (date_part('epoch', clock_timestamp()) * 1000)::bigint << 20
        | (nextval('ascending_numbers') & 1048575)
$$;

create table tenants (
    tenant integer primary key,
    tenant_id text collate "C" not null unique,
    display_name text not null,
    create_time timestamptz not null
);

-- All versions of the tenants' policies; the highest is in force. Earlier versions
-- bound the modes of earlier messages, and are an audit log.
create table policies (
    tenant integer not null,
    version integer not null,
    valid_from timestamptz not null,
    actor text not null,
    anonymization_enabled boolean not null,
    opens_when_unknown smallint not null,
    opens_when_denied smallint not null,
    opens_when_withdrawn smallint not null,
    clicks_when_unknown smallint not null,
    clicks_when_denied smallint not null,
    clicks_when_withdrawn smallint not null,
    history_when_true smallint not null,
    retention_days integer not null,
    release smallint not null,
    epsilon double precision not null,
    -- Seconds after the first message.
    release_delays integer[] not null,
    max_anonymous_messages integer not null,
    reask_after_days integer not null,
    record_last_opens boolean not null,
    primary key (tenant, version)
);

-- The tenants' part of their preference pages. Empty values are not set. The intro is JSON:
-- texts by language.
create table page_brandings (
    tenant integer primary key,
    accent_color text not null,
    logo bytea not null,
    imprint_url text not null,
    privacy_policy_url text not null,
    intro text not null,
    default_language text not null
);

create table api_keys (
    api_key bigint default ascending_number() primary key,
    -- Null: valid for all tenants.
    tenant integer,
    role smallint not null,
    display_name text not null,
    -- SHA-256 of the secret. The secret has 256 random bits, so that no slow hash is needed.
    secret_hash bytea not null unique,
    create_time timestamptz not null,
    -- The number of the key that created or revoked it, or "admin-key" for the command.
    create_actor text not null,
    -- Of a key of role EDGE: the tenants that it is limited to. Null: all.
    edge_tenants integer[],
    expire_time timestamptz,
    -- A day (UTC), so that the row does not tell when an event was recorded with the key.
    last_used_date date,
    revoke_time timestamptz,
    revoke_actor text
);

-- Names that edges serve for a tenant. Without `verify_time`, it is pending: the tenant has not
-- proved that it controls the name. `proof` is the random part of the TXT record that does;
-- it is public. Of the verified domains, a name has one, and a tenant has one default.
create table tracking_domains (
    tenant integer not null references tenants on delete cascade,
    domain text collate "C" not null,
    proof text not null,
    create_time timestamptz not null,
    -- The number of the key that registered it.
    create_actor text not null,
    verify_time timestamptz,
    is_default boolean not null,
    primary key (tenant, domain),
    check (verify_time is not null or not is_default)
);
create unique index tracking_domains_verified on tracking_domains (domain)
    where verify_time is not null;
create unique index tracking_domains_default on tracking_domains (tenant) where is_default;

-- The keys of the keyring, whose secrets are in a file. The fingerprint is derived from
-- the secret and does not reveal it.
create table keyring_keys (
    key_id smallint primary key,
    fingerprint bytea not null,
    create_time timestamptz not null
);

create table contacts (
    tenant integer not null,
    contact bigint not null,
    contact_id text collate "C" not null,
    opens_consent smallint not null,
    clicks_consent smallint not null,
    -- When the consent was last changed.
    opens_time timestamptz,
    clicks_time timestamptz,
    -- The last time at which the mode of the purpose was at least this strict. Campaigns
    -- created up to then stay this strict for the contact.
    opens_anonymous_until timestamptz,
    opens_aggregate_until timestamptz,
    opens_off_until timestamptz,
    clicks_anonymous_until timestamptz,
    clicks_aggregate_until timestamptz,
    clicks_off_until timestamptz,
    primary key (tenant, contact),
    unique (tenant, contact_id)
-- Free space in each page lets changes of preferences be HOT updates, which do not
-- touch the indexes.
) with (fillfactor = 80);

-- Inserts contacts with UNKNOWN consent; the ids are the lines of $2, and $3 is the number of
-- the first. If one of the ids or numbers exists already, inserts nothing and returns false.
--
-- Faster than `insert ... on conflict`, which probes the index for conflicts before each
-- insert. The server does not log the unique violation that is handled here; its
-- message would quote an id.
create function try_insert_contacts(integer, text, bigint) returns boolean language plpgsql as $$
begin
    insert into contacts (tenant, contact, contact_id, opens_consent, clicks_consent)
    select $1, $3 + n - 1, contact_id, 1, 1
    from string_to_table($2, E'\n') with ordinality as input(contact_id, n);
    return true;
exception
    when unique_violation then
        return false;
end
$$;

create table preference_changes (
    tenant integer not null,
    change bigint not null default ascending_number(),
    contact_id text collate "C" not null,
    old_opens smallint not null,
    new_opens smallint not null,
    old_clicks smallint not null,
    new_clicks smallint not null,
    -- Whether the call set the consent, if only to the same value.
    opens_decided boolean not null,
    clicks_decided boolean not null,
    source smallint not null,
    evidence text not null,
    source_id text not null,
    wording_version text not null,
    wording_language text not null,
    -- When the recipient decided, as stated by the caller.
    decision_time timestamptz,
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
    -- How anonymous counts are released: as in the policy when the campaign was created.
    release smallint not null,
    epsilon double precision not null,
    release_delays integer[] not null,
    -- When the first tokens were issued.
    start_time timestamptz,
    -- Null: before the first message, after the last date, and if counts are exact.
    next_release_time timestamptz,
    -- The most revealing mode that its messages may have.
    max_mode smallint not null,
    -- SHA-256 of the issue key. The key has 256 random bits, so that no slow hash is needed.
    issue_key_digest bytea not null,
    -- What campaigns are sorted and searched by: the display name (without one, the id), a
    -- line feed and the id, in case-folded form.
    search_text text collate "C" not null,
    primary key (tenant, campaign),
    unique (tenant, campaign_id)
);
create index campaigns_newest on campaigns (tenant, create_time, campaign);
create index campaigns_by_name on campaigns (tenant, search_text, campaign);
create index campaigns_due on campaigns (next_release_time) where next_release_time is not null;

-- The HTML of campaigns' messages, for pictures of them in reports.
create table campaign_messages (
    tenant integer not null,
    campaign bigint not null,
    html text not null,
    primary key (tenant, campaign)
);

-- `revision` increases in commit order, because an advisory lock serializes the
-- registration of links. Edges resume a stream of links from a revision. Before each
-- registration the sequence is advanced to the time in microseconds.
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
    -- The cell of the group's released counts: its own number, or 0, which groups share.
    -- Null before the first release.
    cell integer,
    -- The most revealing mode that its messages may have.
    max_mode smallint not null,
    -- How many messages the sender expects; it determines how slots are permuted.
    expected_messages bigint not null,
    -- The number of messages that have a slot.
    issued bigint not null default 0,
    -- The number of slots that were given to moved events; see `Anonymizer`.
    moved_slots integer not null default 0,
    primary key (tenant, campaign, group_number),
    unique (tenant, campaign, group_id)
) with (fillfactor = 50);

-- The issue keys of campaigns, each encrypted for an API key with a key that is derived from
-- the API key's secret, which is not stored.
create table issue_keys (
    tenant integer not null,
    campaign bigint not null,
    api_key bigint not null,
    wrapped_key bytea not null,
    primary key (tenant, campaign, api_key)
);

-- The contacts that tokens were issued to, as bitmaps: contact c is bit (c mod 512) of block
-- (c / 512). That a message was sent is no behaviour. `before` has the bits before the last
-- change: the statement that sets bits returns it.
create table issued_contacts (
    tenant integer not null,
    campaign bigint not null,
    block bigint not null,
    contacts bit(512) not null,
    before bit(512) not null,
    primary key (tenant, campaign, block)
) with (fillfactor = 50);

-- The number of ANONYMOUS messages of contacts in a period of 30 days: contact c is the
-- number (c mod 512), of 16 bits, little-endian, of block (c / 512).
create table anonymous_messages (
    tenant integer not null,
    block bigint not null,
    period integer not null,
    messages bytea not null,
    primary key (tenant, block, period)
) with (fillfactor = 50);

-- Number of messages sent, by the mode of their opens (purpose 1) and of their clicks (2).
-- Each message is in a row of either purpose. `hour` counts from 1970-01-01T00Z.
create table sent (
    tenant integer not null,
    campaign bigint not null,
    group_number integer not null,
    purpose smallint not null,
    mode smallint not null,
    hour integer not null,
    messages bigint not null,
    primary key (tenant, campaign, group_number, purpose, mode, hour)
) with (fillfactor = 50);

-- Number of events by signal (0: open, n: click on link n).
--
-- `mode` is the mode of the events, plus 10 for identified events that were anonymized.
-- `hour` counts from 1970-01-01T00Z; it is 0 unless the mode is IDENTIFIED, because
-- anonymous events carry no time. `first_events` counts the events that were the first
-- of their slot and signal, for identified events only.
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

-- Slots that have at least one event, as bitmaps of n bits: slot s is bit (s mod n) of chunk
-- (s / n). n is 4,096 for opens and 16,384 for clicks on a link. Few people click a link, so
-- most of these bits are 0, and a row of 2 KB is large enough for PostgreSQL to compress it.
-- Storage `main` keeps it in the row. `mode` as in `counters`.
create table slot_bits (
    tenant integer not null,
    campaign bigint not null,
    group_number integer not null,
    signal integer not null,
    machine boolean not null,
    mode smallint not null,
    chunk integer not null,
    bits varbit not null,
    primary key (tenant, campaign, group_number, signal, machine, mode, chunk)
) with (fillfactor = 50);
alter table slot_bits alter bits set storage main;

-- Identified events. `is_first` marks the first event of its slot and signal, so that
-- anonymization subtracts exactly what was counted.
--
-- The widest columns come first, so that none needs padding. `smallint` suffices
-- because a campaign has at most 10,000 groups and 10,000 links.
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
-- The keys are blocks of 4 and of 1,024 contacts, because B-tree deduplication stores a
-- repeated key once. Statements name the block as well as the contact. In a campaign,
-- blocks are looked up by signal, apart for events with an automated verdict.
--
-- The tenant is not part of the keys: contact and campaign numbers belong to one tenant
-- anyway. With the tenant in front, the planner would consider either index for any
-- statement and, without statistics, choose the wrong one.
create index events_contact on events ((contact >> 2));
create index events_campaign on events (campaign, signal, (verdict in (3, 4)), (contact >> 10));

-- Idempotency keys: hashes of the ids of executed requests, by RPC (`method`). The only
-- time is the period, a week, so that a row does not date the anonymous events recorded
-- with it. `created_number` is the number of the row that the request created, if any.
-- `content` is a digest of the request, keyed with its id; null for recorded events.
-- `result` has what the response of a repeated call needs besides; it names no contact.
create table request_ids (
    tenant integer not null,
    method smallint not null,
    request_id uuid not null,
    period integer not null,
    created_number bigint,
    content bytea,
    result bytea,
    primary key (tenant, method, request_id, period)
) partition by list (period);

-- Releases of anonymous counts. `release` is the position of the date in `release_delays`,
-- so that the primary key permits each date once.
create table releases (
    tenant integer not null,
    campaign bigint not null,
    release smallint not null,
    release_time timestamptz not null,
    primary key (tenant, campaign, release)
);

-- Released counts, with their noise: they can be negative. `cell` as in `campaign_groups`;
-- 0 also for links. `signal` is 0 for opens, -1 for clicks on any link, n for clicks on
-- link n. `mode` is 2 for people, 3 for aggregate events.
create table released_counts (
    tenant integer not null,
    campaign bigint not null,
    release smallint not null,
    cell integer not null,
    signal integer not null,
    machine boolean not null,
    mode smallint not null,
    count bigint not null,
    primary key (tenant, campaign, release, cell, signal, machine, mode)
);

-- Messages sent until a release, as in `sent`, with noise: they can be negative. `noise` is
-- the part of `messages` that is noise.
create table released_sent (
    tenant integer not null,
    campaign bigint not null,
    release smallint not null,
    cell integer not null,
    purpose smallint not null,
    mode smallint not null,
    messages bigint not null,
    noise bigint not null,
    primary key (tenant, campaign, release, cell, purpose, mode)
);

-- The date of the last open of contacts whose consent to opens is UNKNOWN, if the policy
-- records it. Null: none since the first message.
create table last_opens (
    tenant integer not null,
    contact bigint not null,
    first_message_date date not null,
    last_open_date date,
    primary key (tenant, contact)
) with (fillfactor = 80);

-- Pending anonymization: of one contact or, if `contact` is null, of all contacts that a
-- stricter policy affects. Rows are deleted when the job is done.
create table anonymization_jobs (
    tenant integer not null,
    job bigint not null default ascending_number(),
    contact bigint,
    history smallint not null,
    start_time timestamptz not null,
    total_events bigint not null,
    anonymized_events bigint not null,
    primary key (tenant, job)
);
create index anonymization_jobs_contact on anonymization_jobs (tenant, contact);

-- Planner statistics contain sampled values and outlive the rows they came from, so that
-- columns that identify a person are not sampled. Every statement can use an index
-- without them. Partitions do not inherit this; see `CREATE_EVENTS_PARTITION`.
alter table contacts alter column contact_id set statistics 0;
alter table preference_changes
    alter column contact_id set statistics 0,
    alter column evidence set statistics 0,
    alter column source_id set statistics 0;
alter table events
    alter column contact set statistics 0,
    alter column event_time set statistics 0,
    alter column slot set statistics 0;
alter table anonymization_jobs alter column contact set statistics 0;
alter table last_opens
    alter column contact set statistics 0,
    alter column first_message_date set statistics 0,
    alter column last_open_date set statistics 0;
alter table slot_bits alter column bits set statistics 0;
alter table anonymous_messages
    alter column block set statistics 0,
    alter column messages set statistics 0;
alter table issued_contacts
    alter column block set statistics 0,
    alter column contacts set statistics 0,
    alter column before set statistics 0;
