"""Statements about releases of anonymous counts."""

# Selects campaigns with a due date, over all tenants. The subquery is evaluated once, so
# that the index on the time can be used.
DUE = """
select tenant, campaign
from campaigns
where next_release_time <= (select clock_timestamp())
order by next_release_time
limit $1
"""

# Locks a campaign. Returns no row if another authority has locked it. The order names the
# index.
LOCK_DUE = """
select coalesce(next_release_time <= clock_timestamp(), false) as is_due,
    start_time, epsilon, release_delays, clock_timestamp() as now
from campaigns
where tenant = $1 and campaign between $2 and $2
order by campaign
limit 1
for update skip locked
"""

# Selects the number of messages sent to each group, by the mode of each purpose.
SENT_BY_GROUP = """
select group_number, purpose, mode, sum(messages)::bigint as messages
from sent
where tenant = $1 and campaign = $2
group by group_number, purpose, mode
"""

# Selects the groups of a campaign and their cells.
GROUP_CELLS = """
select group_number, cell from campaign_groups where tenant = $1 and campaign = $2
"""

# Gives groups a cell that have none: their own to those in $3, the shared one to others.
ASSIGN_CELLS = """
update campaign_groups
set cell = case when group_number = any($3::integer[]) then group_number else 0 end
where tenant = $1 and campaign = $2 and cell is null
"""

# Selects the numbers of the campaign's links.
LINK_NUMBERS = "select link from links where tenant = $1 and campaign = $2 order by link"

# Selects the slots that clicked each link, the rows of one chunk of slots together. A slot
# counts once, whether its clicks were anonymous or were anonymized.
CLICKED_SLOTS = """
select group_number, machine, chunk, signal, bit_or(bits) as bits
from slot_bits
where tenant = $1 and campaign = $2 and mode in (2, 12) and signal > 0
group by group_number, machine, chunk, signal
order by group_number, machine, chunk, signal
"""

# Inserts a release.
INSERT_RELEASE = """
insert into releases (tenant, campaign, release, release_time) values ($1, $2, $3, $4)
"""

# Inserts the counts of a release.
INSERT_COUNTS = """
insert into released_counts (tenant, campaign, release, cell, signal, machine, mode, count)
select $1, $2, $3, cell, signal, machine, mode, count
from unnest($4::integer[], $5::integer[], $6::boolean[], $7::smallint[], $8::bigint[])
    as input(cell, signal, machine, mode, count)
order by cell, signal, machine, mode
"""

# Inserts the messages sent until a release, and the noise in their numbers.
INSERT_SENT = """
insert into released_sent (tenant, campaign, release, cell, purpose, mode, messages, noise)
select $1, $2, $3, cell, purpose, mode, messages, noise
from unnest($4::integer[], $5::smallint[], $6::smallint[], $7::bigint[], $8::bigint[])
    as input(cell, purpose, mode, messages, noise)
"""

# Selects the messages sent until the last release, and the noise in their numbers.
LAST_SENT = """
select cell, purpose, mode, messages, noise
from released_sent
where tenant = $1 and campaign = $2 and release = (
    select release
    from releases
    where tenant = $1 and campaign = $2
    order by release desc
    limit 1
)
"""

# Sets when the next release of a campaign is due; null if none is.
SET_NEXT = """
update campaigns set next_release_time = $3 where tenant = $1 and campaign = $2
"""

# Selects how a campaign's counts are released, and its last release.
RELEASE_STATE = """
select campaigns.release, epsilon, release_delays, next_release_time,
    last_release.release as last_release, release_time
from campaigns
left join lateral (
    select release, release_time
    from releases
    where tenant = $1 and campaign = $2
    order by release desc
    limit 1
) as last_release on true
where tenant = $1 and campaign = $2
"""

# Selects the counts of a release.
RELEASED_COUNTS = """
select cell, signal, machine, mode, count
from released_counts
where tenant = $1 and campaign = $2 and release = $3
"""

# Selects the messages sent until a release, with noise, and the number in all modes, without.
RELEASED_SENT = """
select cell, purpose, mode, messages,
    (sum(messages - noise) over (partition by cell, purpose))::bigint as total
from released_sent
where tenant = $1 and campaign = $2 and release = $3
"""

# Selects a page of the campaigns that have a date due until $1, over all tenants.
DUE_UNTIL = """
select tenant, campaign, start_time, release_delays, next_release_time
from campaigns
where next_release_time <= $1
order by next_release_time
limit $2
"""

# Skips the due dates of a campaign, unless $3 has been released in the meantime.
SKIP = """
update campaigns
set next_release_time = $4
where tenant = $1 and campaign = $2 and next_release_time = $3
"""
