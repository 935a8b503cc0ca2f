"""Statements about the log of preference changes."""

_COLUMNS = """contact_id, old_opens, new_opens, old_clicks, new_clicks, opens_decided,
    clicks_decided, source, evidence, source_id, wording_version, wording_language, decision_time"""

# Appends changes.
INSERT_CHANGES = f"""
insert into preference_changes (tenant, {_COLUMNS}, actor, change_time)
select $1, {_COLUMNS}, $15, $16
from unnest(
    $2::text[], $3::smallint[], $4::smallint[], $5::smallint[], $6::smallint[], $7::boolean[],
    $8::boolean[], $9::smallint[], $10::text[], $11::text[], $12::text[], $13::text[],
    $14::timestamptz[]
) as input({_COLUMNS})
"""

_LAST_DECISION = """
left join lateral (
    select source, new_{purpose} as consent
    from preference_changes
    where tenant = $1
        and contact_id between id and id
        and (source = 1 and {purpose}_decided or source = 2 and old_{purpose} <> new_{purpose})
    order by contact_id desc, change desc
    limit 1
) as {purpose} on true"""

# Selects the latest decision of each contact on each purpose, by its recipient (source 1), if
# only as a confirmation, or by its sender (2). What imports set is none.
LAST_DECISIONS = f"""
select id, opens.source, opens.consent, clicks.source, clicks.consent
from unnest($2::text[]) as input(id)
{_LAST_DECISION.format(purpose="opens")}
{_LAST_DECISION.format(purpose="clicks")}
"""

_PAGE = """
select change, matches, n = $4 as is_last_scanned, {columns}, actor, change_time
from (
    select *,
        row_number() over (order by {order}) as n,
        ($5::smallint is null or source = $5)
        and ($6::timestamptz is null or change_time >= $6)
        and ($7::timestamptz is null or change_time < $7) as matches
    from (
        select change, {columns}, actor, change_time
        from preference_changes
        where {condition} and change > $2 and change <= $3
        order by {order}
        limit $4
    ) as scanned
) as page
where matches or n = $4
order by {order}
limit $8
"""

# Selects a page of the log, oldest first (keyset pagination by number): at most $8 changes
# that match the filters, out of the $4 after number $2 and up to number $3. The last of these
# $4 is returned also if it does not match, so that the next page can start there.
#
# $5: source. $6, $7: since and before a time. Null: any.
LIST_CHANGES = _PAGE.format(columns=_COLUMNS, condition="tenant = $1", order="change")

# Selects a page of the changes of one contact.
LIST_CHANGES_OF_CONTACT = _PAGE.format(
    columns=_COLUMNS,
    condition="tenant = $1 and contact_id between $9 and $9",
    order="contact_id, change",
)

# Deletes the changes of a contact.
DELETE_CHANGES = "delete from preference_changes where tenant = $1 and contact_id = $2"

# Replaces a contact's id by a pseudonym.
PSEUDONYMIZE_CHANGES = """
update preference_changes
set contact_id = $3
where tenant = $1 and contact_id = $2
"""
