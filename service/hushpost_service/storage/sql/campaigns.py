"""Statements about campaigns: links, groups, messages sent."""

# Inserts a campaign; returns no row if its id or number is taken.
INSERT_CAMPAIGN = """
insert into campaigns (
    tenant, campaign, campaign_id, display_name, create_time, release, epsilon, release_delays,
    issue_key_digest, max_mode, search_text
)
values ($1, $2, $3, $4, clock_timestamp(), $5, $6, $7, $8, $9, $10)
on conflict do nothing
returning campaign
"""

# Inserts the HTML of a campaign's message.
INSERT_MESSAGE = "insert into campaign_messages (tenant, campaign, html) values ($1, $2, $3)"

# Selects the HTML of a campaign's message.
MESSAGE = "select html from campaign_messages where tenant = $1 and campaign = $2"

# Serializes transactions that register links, so that revisions increase in commit order.
LOCK_LINKS = "select pg_advisory_xact_lock({lock})"

# Advances the revisions to the time in microseconds. A restored database has an older
# sequence, which would return revisions again that edges have passed.
ADVANCE_REVISIONS = """
select setval(
    'link_revisions',
    greatest(
        nextval('link_revisions'), (date_part('epoch', clock_timestamp()) * 1000000)::bigint
    )
)
"""

# Inserts links, numbered after the last one.
INSERT_LINKS = """
insert into links (tenant, campaign, link, url, label, revision)
select $1, $2, last.link + n, url, label, nextval('link_revisions')
from (
    select coalesce(max(link), 0) as link from links where tenant = $1 and campaign = $2
) as last
cross join unnest($3::text[], $4::text[]) with ordinality as input(url, label, n)
order by n
"""

# Inserts the groups that do not exist, numbered after the last one.
INSERT_GROUPS = """
insert into campaign_groups (tenant, campaign, group_number, group_id, expected_messages, max_mode)
select $1, $2, last.group_number + row_number() over (order by n), group_id, expected_messages,
    max_mode
from (
    select coalesce(max(group_number), 0) as group_number
    from campaign_groups where tenant = $1 and campaign = $2
) as last
cross join unnest($3::text[], $4::bigint[], $5::smallint[]) with ordinality
    as input(group_id, expected_messages, max_mode, n)
where not exists (
    select from campaign_groups existing
    where existing.tenant = $1 and existing.campaign = $2 and existing.group_id = input.group_id
)
"""

# Locks a campaign, which serializes extending and closing it.
LOCK_CAMPAIGN = """
select close_time from campaigns where tenant = $1 and campaign = $2 for update
"""

# Starts the schedule of releases, unless it has started. Counts are not released on a
# schedule if they are exact (release 2). The sum is formed in UTC, because that of a `timestamptz`
# depends on the session, which a distributed database does not allow here.
START = """
update campaigns
set start_time = $3,
    next_release_time = case
        when release = 1 then (
            $3::timestamptz at time zone 'UTC' + release_delays[1] * interval '1 second'
        ) at time zone 'UTC'
    end
where tenant = $1 and campaign = $2 and start_time is null
"""

# Selects when a campaign was closed.
CLOSE_TIME = "select close_time from campaigns where tenant = $1 and campaign = $2"

# Selects the number of a campaign by id.
CAMPAIGN_NUMBER = "select campaign from campaigns where tenant = $1 and campaign_id = $2"

# Selects campaigns by number. Here and below, the limit or offset in the lateral subquery
# makes the planner look each number up. For a join without statistics, it would read all
# rows of the tenant.
CAMPAIGNS = """
select campaign, campaign_id, display_name, create_time, close_time, max_mode
from unnest($2::bigint[]) as input(number)
cross join lateral (
    select campaign, campaign_id, display_name, create_time, close_time, max_mode
    from campaigns
    where tenant = $1 and campaign between number and number
    order by campaign
    limit 1
) as found
"""

# Selects the links of campaigns, in order.
LINKS = """
select campaign, link, url, label
from unnest($2::bigint[]) as input(number)
cross join lateral (
    select campaign, link, url, label
    from links
    where tenant = $1 and campaign = number
    order by link
    offset 0
) as found
order by campaign, link
"""

# Selects the groups of campaigns, in order.
GROUPS = """
select campaign, group_id, max_mode
from unnest($2::bigint[]) as input(number)
cross join lateral (
    select campaign, group_number, group_id, max_mode
    from campaign_groups
    where tenant = $1 and campaign = number
    order by group_number
    offset 0
) as found
order by campaign, group_number
"""

_LIST_CAMPAIGNS = """
select campaign, campaign_id, display_name, create_time, close_time, max_mode
from campaigns
where tenant = $1
    and ($2::{type} is null or ({column}, campaign) {after} ($2, $3::bigint))
    and ($4::text = '' or strpos(search_text, $4) > 0)
order by {column} {direction}, campaign {direction}
offset $5
limit $6
"""

# Select a page (keyset pagination by the sorted column and the number) of the campaigns
# whose `search_text` contains $4. Each order has an index, which is read up to the end of
# the page.
NEWEST_CAMPAIGNS = _LIST_CAMPAIGNS.format(
    column="create_time", type="timestamptz", after="<", direction="desc"
)
OLDEST_CAMPAIGNS = _LIST_CAMPAIGNS.format(
    column="create_time", type="timestamptz", after=">", direction="asc"
)
CAMPAIGNS_BY_NAME = _LIST_CAMPAIGNS.format(
    column="search_text", type="text", after=">", direction="asc"
)
CAMPAIGNS_BY_NAME_DESC = _LIST_CAMPAIGNS.format(
    column="search_text", type="text", after="<", direction="desc"
)

# Counts the campaigns whose `search_text` contains $2.
COUNT_CAMPAIGNS = """
select count(*)
from campaigns
where tenant = $1 and ($2::text = '' or strpos(search_text, $2) > 0)
"""

# Closes a campaign; one that is closed already keeps its close_time.
CLOSE_CAMPAIGN = """
update campaigns
set close_time = now()
where tenant = $1 and campaign = $2 and close_time is null
"""

# Selects links registered after a revision, of all tenants, because an edge serves all
# of them.
LINKS_SINCE = """
select campaign, link, url, revision
from links
where revision > $1
order by revision
limit $2
"""

# Selects links of some tenants registered after a revision.
LINKS_OF_TENANTS_SINCE = """
select campaign, link, url, revision
from links
where revision > $1 and tenant = any($3::integer[])
order by revision
limit $2
"""

# Selects the highest revision of any link.
LAST_REVISION = "select coalesce(max(revision), 0) from links"

# Adds to the numbers of messages sent in an hour (upsert).
ADD_SENT = """
insert into sent as existing (tenant, campaign, group_number, purpose, mode, hour, messages)
select $1, $2, $3, purpose, mode, $4, messages
from unnest($5::smallint[], $6::smallint[], $7::bigint[]) as input(purpose, mode, messages)
order by purpose, mode
on conflict (tenant, campaign, group_number, purpose, mode, hour)
do update set messages = existing.messages + excluded.messages
"""
