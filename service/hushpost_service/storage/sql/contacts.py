"""Statements about contacts, their preferences, and the log of changes.

Contacts are looked up one by one in a lateral subquery, by a range of one value in the
order of an index. No statistics can then make the planner choose another index. With
`= any($2)`, the planner reads all contacts of the tenant when its statistics come from
a time when the table was small, and compares each with every value.
"""

# Part of a statement: looks the contact `id` up.
CONTACT_BY_ID = """cross join lateral (
    select contact_id, contact, do_not_track, preference_time, anonymous_until,
        aggregate_until, off_until
    from contacts
    where tenant = $1 and contact_id between id and id
    order by contact_id
    limit 1
"""

# Inserts contacts with preference UNSET, numbered from $3; returns false, and inserts none, if
# an id or a number exists already. The ids are the lines of one text, which the driver
# encodes much faster than an array.
TRY_INSERT_CONTACTS = "select try_insert_contacts($1, $2, $3)"

# Inserts the contacts that do not exist, with preference UNSET, numbered from $3; returns
# these. Leaves out a contact whose number exists.
INSERT_MISSING_CONTACTS = """
with inserted as (
    insert into contacts (tenant, contact, contact_id, do_not_track)
    select $1, $3::bigint + n - 1, contact_id, 1
    from string_to_table($2, E'\\n') with ordinality as input(contact_id, n)
    on conflict do nothing
    returning contact_id, contact
)
select array_agg(contact_id), array_agg(contact) from inserted
"""

# Selects contacts for issuing the tokens of a campaign that was created at $3, grouped by
# preference. Times before the creation are replaced by null: they have no effect on the
# mode, and would split the groups.
#
# The ids are lines of one text, like above.
CONTACTS_BY_PREFERENCE = f"""
select array_agg(contact_id), array_agg(contact), do_not_track,
    case when preference_time > $3 then preference_time end as since,
    case when anonymous_until >= $3 then anonymous_until end as anonymous,
    case when aggregate_until >= $3 then aggregate_until end as aggregate,
    case when off_until >= $3 then off_until end as off
from string_to_table($2, E'\\n') as input(id)
{CONTACT_BY_ID}) as found
group by do_not_track, since, anonymous, aggregate, off
"""

# Selects contacts by id, without a lock.
CONTACTS = f"""
select contact_id, contact, do_not_track, preference_time, anonymous_until, aggregate_until,
    off_until
from unnest($2::text[]) as input(id)
{CONTACT_BY_ID}) as found
"""

# Selects contacts by id and locks them for a change of their preferences. The sort order
# prevents deadlocks.
LOCK_CONTACTS = f"""
select contact_id, contact, do_not_track, preference_time, anonymous_until, aggregate_until,
    off_until
from (select id from unnest($2::text[]) as input(id) order by id collate "C") as input
{CONTACT_BY_ID}    for update
) as found
"""

# Selects the id of a contact.
CONTACT_ID = "select contact_id from contacts where tenant = $1 and contact = $2"

# Updates the preferences of contacts, which must exist and be locked, so that nothing is
# inserted. An upsert, because it finds each row in the primary key; a join would be
# planned by statistics.
UPDATE_PREFERENCES = """
insert into contacts as existing (
    tenant, contact, contact_id, do_not_track, preference_time, anonymous_until,
    aggregate_until, off_until
)
select $1, contact, '', do_not_track, preference_time, anonymous_until, aggregate_until, off_until
from unnest(
    $2::bigint[], $3::smallint[], $4::timestamptz[], $5::timestamptz[], $6::timestamptz[],
    $7::timestamptz[]
) as input(contact, do_not_track, preference_time, anonymous_until, aggregate_until, off_until)
on conflict (tenant, contact) do update set
    do_not_track = excluded.do_not_track,
    preference_time = excluded.preference_time,
    anonymous_until = excluded.anonymous_until,
    aggregate_until = excluded.aggregate_until,
    off_until = excluded.off_until
"""

# Reads contacts through the index that the recorder uses, which sets the hint bits of
# their rows. The numbers are one text, like the ids above.
SET_HINT_BITS = """
select count(do_not_track)
from unnest($2::text::bigint[]) as input(number)
cross join lateral (
    select do_not_track
    from contacts
    where tenant = $1 and contact between number and number
    order by contact
    limit 1
) as found
"""

# Vacuums contacts so that later reads modify no page.
#
# `freeze`: unlike hint bits, it survives a crash. It is cheap, because frozen pages are
# skipped. `index_cleanup on`: by default VACUUM leaves a few dead index entries, which
# readers would mark. `truncate off`: truncating would lock readers out. `parallel 0`:
# workers would take CPUs from recording.
VACUUM = """
vacuum (freeze, index_cleanup on, truncate off, process_toast off, parallel 0) contacts
"""

# Selects the number of dead tuples that the last VACUUM kept because an older snapshot
# may see them.
DEAD_TUPLES = """
select n_dead_tup from pg_stat_user_tables where relid = 'contacts'::regclass
"""

# Appends to the log of preference changes.
INSERT_CHANGES = """
insert into preference_changes (
    tenant, contact_id, old_do_not_track, new_do_not_track, source, evidence, actor, change_time
)
select $1, contact_id, old_do_not_track, new_do_not_track, source, evidence, $7, $8
from unnest($2::text[], $3::smallint[], $4::smallint[], $5::smallint[], $6::text[])
    as input(contact_id, old_do_not_track, new_do_not_track, source, evidence)
"""

# Selects the latest decision of each contact, by its recipient (source 1) or its sender (2).
# What imports set is none.
LAST_DECISIONS = """
select contact_id, source, new_do_not_track
from unnest($2::text[]) as input(id)
cross join lateral (
    select contact_id, source, new_do_not_track
    from preference_changes
    where tenant = $1 and contact_id between id and id and source in (1, 2)
    order by contact_id desc, change desc
    limit 1
) as latest
"""

# Selects a page (keyset pagination by number) of the log, oldest first.
LIST_CHANGES = """
select change, contact_id, old_do_not_track, new_do_not_track, source, evidence, actor,
    change_time
from preference_changes
where tenant = $1 and change > $2
order by change
limit $3
"""

# Selects a page of the log of one contact.
LIST_CHANGES_OF_CONTACT = """
select change, contact_id, old_do_not_track, new_do_not_track, source, evidence, actor,
    change_time
from preference_changes
where tenant = $1 and contact_id = $4 and change > $2
order by change
limit $3
"""

# Deletes a contact; returns its number.
DELETE_CONTACT = "delete from contacts where tenant = $1 and contact_id = $2 returning contact"

# Deletes a contact's entries in the log.
DELETE_CHANGES = "delete from preference_changes where tenant = $1 and contact_id = $2"

# Replaces a contact's id in the log by a pseudonym.
PSEUDONYMIZE_CHANGES = """
update preference_changes
set contact_id = $3
where tenant = $1 and contact_id = $2
"""
