"""Statements about contacts and their preferences."""

# Makes contacts known, as UNSET, none of which is known; answers their numbers in the
# order of the ids, or null. Ids are given as lines of one text, which costs the driver
# much less than an array.
MAKE_KNOWN = "select make_known($1, $2)"

# Makes contacts known, as UNSET; answers those that were not.
INSERT_CONTACTS = """
with made as (
    insert into contacts (tenant, contact_id, do_not_track)
    select $1, contact_id, 1
    from string_to_table($2, E'\\n') as given(contact_id)
    on conflict (tenant, contact_id) do nothing
    returning contact_id, contact
)
select array_agg(contact_id), array_agg(contact) from made
"""

# Contacts for issuing the tokens of a campaign, those with equal preferences together:
# a plain read. Of moments before the campaign's creation nothing depends on which they
# were. The ids, in lines, come from a sub-select, so that no plan is made for their
# number: for a great many the planner would rather read all of the tenant's contacts.
CONTACTS_BY_PREFERENCE = """
select array_agg(contact_id), array_agg(contact), do_not_track,
    case when preference_time > $3 then preference_time end as since,
    case when anonymous_until >= $3 then anonymous_until end as anonymous,
    case when aggregate_until >= $3 then aggregate_until end as aggregate,
    case when off_until >= $3 then off_until end as off
from contacts
where tenant = $1 and contact_id = any(array(select string_to_table($2, E'\\n')))
group by do_not_track, since, anonymous, aggregate, off
"""

# Contacts by id: a plain read.
CONTACTS = """
select contact_id, contact, do_not_track, preference_time, anonymous_until, aggregate_until,
    off_until
from contacts
where tenant = $1 and contact_id = any($2::text[])
"""

# The same contacts, locked for a change of their preferences, in an order that
# does not deadlock.
LOCK_CONTACTS = """
select contact_id, contact, do_not_track, preference_time, anonymous_until, aggregate_until,
    off_until
from contacts
where tenant = $1 and contact_id = any($2::text[])
order by contact_id
for update
"""

# The id of a contact.
CONTACT_ID = "select contact_id from contacts where tenant = $1 and contact = $2"

# Sets preferences.
UPDATE_PREFERENCES = """
update contacts
set do_not_track = given.do_not_track,
    preference_time = given.preference_time,
    anonymous_until = given.anonymous_until,
    aggregate_until = given.aggregate_until,
    off_until = given.off_until
from unnest(
    $2::bigint[], $3::smallint[], $4::timestamptz[], $5::timestamptz[], $6::timestamptz[],
    $7::timestamptz[]
) as given(contact, do_not_track, preference_time, anonymous_until, aggregate_until, off_until)
where contacts.tenant = $1 and contacts.contact = given.contact
"""

# Reads contacts as the recorder does, by the same index. Numbers are given in one text,
# as ids above; see `CONTACTS_BY_PREFERENCE` for the sub-select.
READ_BACK = """
select count(do_not_track)
from contacts
where tenant = $1 and contact = any((select $2::text::bigint[])::bigint[])
"""

# Leaves nothing of contacts that a reader could change. Freezing holds through a
# crash, after which notes of who has committed may be lost; it costs little, since
# pages that are frozen are passed over. Indexes are always cleaned: by default few
# dead entries are left in them, and a reader marks these. Truncating would lock
# readers out, and parallel workers would only take processors from recording.
VACUUM = """
vacuum (freeze, index_cleanup on, truncate off, process_toast off, parallel 0) contacts
"""

# How many versions of contacts' rows the last vacuum had to leave, because some
# transaction may still see them.
DEAD_ROWS = """
select n_dead_tup from pg_stat_user_tables where relid = 'contacts'::regclass
"""

# Writes the change log.
INSERT_CHANGES = """
insert into preference_changes (
    tenant, contact_id, old_do_not_track, new_do_not_track, source, evidence, actor, change_time
)
select $1, contact_id, old_do_not_track, new_do_not_track, source, evidence, $7, $8
from unnest($2::text[], $3::smallint[], $4::smallint[], $5::smallint[], $6::text[])
    as given(contact_id, old_do_not_track, new_do_not_track, source, evidence)
"""

# A page of a tenant's change log, oldest first.
LIST_CHANGES = """
select change, contact_id, old_do_not_track, new_do_not_track, source, evidence, actor,
    change_time
from preference_changes
where tenant = $1 and change > $2
order by change
limit $3
"""

# The same, of one contact.
LIST_CHANGES_OF_CONTACT = """
select change, contact_id, old_do_not_track, new_do_not_track, source, evidence, actor,
    change_time
from preference_changes
where tenant = $1 and contact_id = $4 and change > $2
order by change
limit $3
"""

# Forgets a contact; answers its number.
DELETE_CONTACT = "delete from contacts where tenant = $1 and contact_id = $2 returning contact"

# Forgets what a contact's preference was.
DELETE_CHANGES = "delete from preference_changes where tenant = $1 and contact_id = $2"

# Keeps what a preference was, without saying whose.
PSEUDONYMIZE_CHANGES = """
update preference_changes
set contact_id = $3
where tenant = $1 and contact_id = $2
"""

# The database's clock, by which preferences, policies and campaigns are dated.
NOW = "select clock_timestamp()"
