"""Statements about issuing tokens: issue keys, contacts issued to, messages with a slot."""

# Selects whether a campaign is closed, the digest of its issue key, the key as it is encrypted
# for API key $4, if it is, and how many messages the sender expects in group $3.
ISSUING_STATE = """
select close_time is not null as is_closed, issue_key_digest, (
        select wrapped_key
        from issue_keys
        where tenant = $1 and campaign = $2 and api_key = $4
    ) as wrapped_key, (
        select expected_messages
        from campaign_groups
        where tenant = $1 and campaign = $2 and group_number = $3
    ) as expected_messages
from campaigns
where tenant = $1 and campaign = $2
"""

# Selects the issue key of a campaign as it is encrypted for an API key.
WRAPPED_KEY = """
select wrapped_key from issue_keys where tenant = $1 and campaign = $2 and api_key = $3
"""

# Stores an issue key for an API key, unless it has one.
INSERT_ISSUE_KEY = """
insert into issue_keys (tenant, campaign, api_key, wrapped_key)
values ($1, $2, $3, $4)
on conflict do nothing
"""

# Marks contacts as issued to (upsert); returns which of each block were marked before. The
# blocks are sorted, so that concurrent transactions cannot deadlock.
MARK_ISSUED = """
insert into issued_contacts as existing (tenant, campaign, block, contacts, before)
select $1, $2, block, contacts, 0::bit(512)
from unnest($3::bigint[], $4::bit(512)[]) as input(block, contacts)
on conflict (tenant, campaign, block)
do update set before = existing.contacts, contacts = existing.contacts | excluded.contacts
returning block, before
"""

# Adds to the number of slots of a group's messages; returns the new number.
ADD_ISSUED = """
update campaign_groups
set issued = issued + $4::bigint
where tenant = $1 and campaign = $2 and group_number = $3
returning issued
"""

# Leaves a gap in the indexes of messages of each group: 16 times the declared size, or twice
# that of the largest groups. `bits` as in `permuted_slots`.
LEAVE_GAPS = """
update campaign_groups as changed
set issued = ((issued >> bits) + case when bits <= 22 then 16 else 2 end) << bits
from (
    select tenant, campaign, group_number,
        greatest(12, length(ltrim((expected_messages - 1)::bit(64)::text, '0'))) as bits
    from campaign_groups
) as sized
where changed.tenant = sized.tenant and changed.campaign = sized.campaign
    and changed.group_number = sized.group_number
"""

# Adds to the number of slots of a group that were given to moved events; returns the new number.
ADD_MOVED_SLOT = """
update campaign_groups
set moved_slots = moved_slots + 1
where tenant = $1 and campaign = $2 and group_number = $3
returning moved_slots
"""
