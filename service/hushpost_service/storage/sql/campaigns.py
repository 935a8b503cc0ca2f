"""Statements about campaigns, their links, groups and messages sent."""

# Registers a campaign; answers nothing where its id is taken.
INSERT_CAMPAIGN = """
insert into campaigns (tenant, campaign, campaign_id, display_name, create_time)
values ($1, $2, $3, $4, clock_timestamp())
on conflict do nothing
returning campaign
"""

# Makes link revisions grow in commit order: one transaction at a time registers
# links, until it has committed.
LOCK_LINKS = "select pg_advisory_xact_lock({lock})"

# Adds links, numbered on from the last.
INSERT_LINKS = """
insert into links (tenant, campaign, link, url, label, revision)
select $1, $2, last.link + n, url, label, nextval('link_revisions')
from (
    select coalesce(max(link), 0) as link from links where tenant = $1 and campaign = $2
) as last
cross join unnest($3::text[], $4::text[]) with ordinality as given(url, label, n)
order by n
"""

# Adds groups, numbered on from the last; those that exist stay as they are.
INSERT_GROUPS = """
insert into campaign_groups (tenant, campaign, group_number, group_id)
select $1, $2, last.group_number + row_number() over (order by n), group_id
from (
    select coalesce(max(group_number), 0) as group_number
    from campaign_groups where tenant = $1 and campaign = $2
) as last
cross join unnest($3::text[]) with ordinality as given(group_id, n)
where not exists (
    select from campaign_groups known
    where known.tenant = $1 and known.campaign = $2 and known.group_id = given.group_id
)
"""

# Locks a campaign against closing and against others that extend it.
LOCK_CAMPAIGN = """
select close_time from campaigns where tenant = $1 and campaign = $2 for update
"""

# When a campaign was closed.
CLOSE_TIME = "select close_time from campaigns where tenant = $1 and campaign = $2"

# The number of a campaign.
CAMPAIGN_NUMBER = "select campaign from campaigns where tenant = $1 and campaign_id = $2"

# A campaign.
CAMPAIGN = """
select campaign, campaign_id, display_name, create_time, close_time
from campaigns
where tenant = $1 and campaign = $2
"""

# A campaign's links.
LINKS = "select link, url, label from links where tenant = $1 and campaign = $2 order by link"

# A campaign's groups.
GROUPS = """
select group_number, group_id
from campaign_groups
where tenant = $1 and campaign = $2
order by group_number
"""

# A page of campaigns, newest first, after the given one.
LIST_CAMPAIGNS = """
select campaign, campaign_id, display_name, create_time, close_time
from campaigns
where tenant = $1 and ($2::timestamptz is null or (create_time, campaign) < ($2, $3::bigint))
order by create_time desc, campaign desc
limit $4
"""

# Closes a campaign; one that is closed keeps its time.
CLOSE_CAMPAIGN = """
update campaigns
set close_time = coalesce(close_time, clock_timestamp())
where tenant = $1 and campaign = $2
"""

# Links registered after a revision, of all tenants: the one statement that
# crosses them, for edges, which serve them all.
LINKS_SINCE = """
select campaign, link, url, revision
from links
where revision > $1
order by revision
limit $2
"""

# The revision of the link that was registered last.
LAST_REVISION = "select coalesce(max(revision), 0) from links"

# Reserves slots of a group; answers the first.
RESERVE_SLOTS = """
update campaign_groups
set next_slot = next_slot + $4
where tenant = $1 and campaign = $2 and group_number = $3
returning next_slot - $4
"""

# Counts messages as sent in an hour.
ADD_SENT = """
insert into sent as known (tenant, campaign, group_number, mode, hour, messages)
select $1, $2, $3, mode, $4, messages
from unnest($5::smallint[], $6::bigint[]) as given(mode, messages)
order by mode
on conflict (tenant, campaign, group_number, mode, hour)
do update set messages = known.messages + excluded.messages
"""

# How many messages a group was sent, by mode.
GROUP_SENT = """
select mode, sum(messages)::bigint as messages
from sent
where tenant = $1 and campaign = $2 and group_number = $3
group by mode
"""
