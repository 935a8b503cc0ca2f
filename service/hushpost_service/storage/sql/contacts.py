"""Statements about contacts and their preferences.

Contacts are looked up one by one in a lateral subquery, by a range of one value in the
order of an index. No statistics can then make the planner choose another index. With
`= any($2)`, the planner reads all contacts of the tenant when its statistics come from
a time when the table was small, and compares each with every value.
"""

from hushpost_service.storage.sql.preference_columns import (
    PREFERENCE_COLUMNS,
    PREFERENCE_GROUP,
    PREFERENCE_SINCE,
)

# Part of a statement: looks the contact `id` up.
CONTACT_BY_ID = f"""cross join lateral (
    select contact_id, contact, {PREFERENCE_COLUMNS}
    from contacts
    where tenant = $1 and contact_id between id and id
    order by contact_id
    limit 1
"""

# Inserts contacts with UNKNOWN consent, numbered from $3; returns false, and inserts none, if
# an id or a number exists already. The ids are the lines of one text, which the driver
# encodes much faster than an array.
TRY_INSERT_CONTACTS = "select try_insert_contacts($1, $2, $3)"

# Inserts the contacts that do not exist, with UNKNOWN consent, numbered from $3; returns
# these. Leaves out a contact whose number exists.
INSERT_MISSING_CONTACTS = """
with inserted as (
    insert into contacts (tenant, contact, contact_id, opens_consent, clicks_consent)
    select $1, $3::bigint + n - 1, contact_id, 1, 1
    from string_to_table($2, E'\\n') with ordinality as input(contact_id, n)
    on conflict do nothing
    returning contact_id, contact
)
select array_agg(contact_id), array_agg(contact) from inserted
"""

# Selects contacts for issuing the tokens of a campaign that was created at $3, grouped by
# preference.
#
# The ids are lines of one text, like above.
CONTACTS_BY_PREFERENCE = f"""
select array_agg(contact_id), array_agg(contact), {PREFERENCE_GROUP}
from (
    select contact_id, contact, {PREFERENCE_SINCE.format(created="$3")}
    from string_to_table($2, E'\\n') as input(id)
    {CONTACT_BY_ID}) as found
) as contacts_since
group by {PREFERENCE_GROUP}
"""

# Selects contacts by id, without a lock.
CONTACTS = f"""
select contact_id, contact, {PREFERENCE_COLUMNS}
from unnest($2::text[]) as input(id)
{CONTACT_BY_ID}) as found
"""

# Selects contacts by id and locks them for a change of their preferences. The sort order
# prevents deadlocks.
LOCK_CONTACTS = f"""
select contact_id, contact, {PREFERENCE_COLUMNS}
from (select id from unnest($2::text[]) as input(id) order by id collate "C") as input
{CONTACT_BY_ID}    for update
) as found
"""

# Selects the id of a contact.
CONTACT_ID = "select contact_id from contacts where tenant = $1 and contact = $2"

# Updates the preferences of contacts, which must exist and be locked, so that nothing is
# inserted. An upsert, because it finds each row in the primary key; a join would be
# planned by statistics.
UPDATE_PREFERENCES = f"""
insert into contacts as existing (tenant, contact, contact_id, {PREFERENCE_COLUMNS})
select $1, contact, '', {PREFERENCE_COLUMNS}
from unnest(
    $2::bigint[], $3::smallint[], $4::smallint[], $5::timestamptz[], $6::timestamptz[],
    $7::timestamptz[], $8::timestamptz[], $9::timestamptz[], $10::timestamptz[],
    $11::timestamptz[], $12::timestamptz[]
) as input(contact, {PREFERENCE_COLUMNS})
on conflict (tenant, contact) do update set
    opens_consent = excluded.opens_consent,
    clicks_consent = excluded.clicks_consent,
    opens_time = excluded.opens_time,
    clicks_time = excluded.clicks_time,
    opens_anonymous_until = excluded.opens_anonymous_until,
    opens_aggregate_until = excluded.opens_aggregate_until,
    opens_off_until = excluded.opens_off_until,
    clicks_anonymous_until = excluded.clicks_anonymous_until,
    clicks_aggregate_until = excluded.clicks_aggregate_until,
    clicks_off_until = excluded.clicks_off_until
"""

# Reads contacts through the index that the recorder uses, which sets the hint bits of
# their rows. The numbers are one text, like the ids above.
SET_HINT_BITS = """
select count(opens_consent)
from unnest($2::text::bigint[]) as input(number)
cross join lateral (
    select opens_consent
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

# Selects a page of contacts (keyset pagination by id): at most $10 that match the filters, out
# of the $3 contacts after the id $2. The last of these $3 is returned also if it does not
# match, so that the next page can start there.
#
# $4, $5: consents to opens and to clicks (null: any). $6: changed before. $7: never changed.
# $8: may be asked, since no purpose was refused after $9. A refusal counts from the time that
# was stated for it; a recipient who confirms a refusal refuses again.
#
# The subquery on the log has a limit, so that it is not planned as a join of the whole log. It
# is evaluated last, because it costs most.
LIST_CONTACTS = f"""
select contact_id, matches, n = $3 as is_last_scanned, {PREFERENCE_COLUMNS}
from (
    select *,
        row_number() over (order by contact_id) as n,
        ($4::smallint[] is null or opens_consent = any($4))
        and ($5::smallint[] is null or clicks_consent = any($5))
        and ($6::timestamptz is null or greatest(opens_time, clicks_time) < $6)
        and (not $7 or opens_time is null and clicks_time is null)
        and (
            not $8
            or (opens_consent <> 2 or clicks_consent <> 2)
            and (
                select true
                from preference_changes as refusal
                where refusal.tenant = $1
                    and refusal.contact_id between scanned.contact_id and scanned.contact_id
                    and coalesce(refusal.decision_time, refusal.change_time) > $9
                    and (
                        refusal.opens_decided and refusal.new_opens in (3, 4)
                        or refusal.clicks_decided and refusal.new_clicks in (3, 4)
                    )
                order by refusal.contact_id desc, refusal.change desc
                limit 1
            ) is null
        ) as matches
    from (
        select contact_id, {PREFERENCE_COLUMNS}
        from contacts
        where tenant = $1 and contact_id > $2
        order by contact_id
        limit $3
    ) as scanned
) as page
where matches or n = $3
order by contact_id
limit $10
"""

# Deletes a contact; returns its number.
DELETE_CONTACT = "delete from contacts where tenant = $1 and contact_id = $2 returning contact"
