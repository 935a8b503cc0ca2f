"""Statements about the dates of last opens, which exist only if a policy records them.

Rows are deleted under the exclusive recording lock, so that no recording transaction that saw
the earlier consent or policy can set a date afterwards. Issuing inserts them under the shared
lock for the same reason.
"""

# Inserts the date of the first message, $3, for contacts that have no row, whose consent to
# opens is UNKNOWN, and whose tenant's policy in force records last opens.
INSERT_LAST_OPENS = """
insert into last_opens (tenant, contact, first_message_date)
select $1, found.contact, $3
from unnest($2::bigint[]) as input(number)
cross join lateral (
    select contact
    from contacts
    where tenant = $1 and contact between number and number and opens_consent = 1
    order by contact
    limit 1
) as found
where (
    select record_last_opens from policies where tenant = $1 order by version desc limit 1
)
order by found.contact
on conflict do nothing
"""

# Sets the dates of last opens, unless they are as late already: rows are written once a day at
# most. Contacts without a row are left out. The contacts are sorted, so that concurrent
# transactions cannot deadlock.
SET_LAST_OPENS = """
insert into last_opens as existing (tenant, contact, first_message_date, last_open_date)
select $1, found.contact, first_message_date, open_date
from unnest($2::bigint[], $3::date[]) as input(number, open_date)
cross join lateral (
    select contact, first_message_date, last_open_date
    from last_opens
    where tenant = $1 and contact between number and number
    order by contact
    limit 1
) as found
where last_open_date is null or last_open_date < open_date
order by found.contact
on conflict (tenant, contact)
do update set last_open_date = greatest(existing.last_open_date, excluded.last_open_date)
"""

# Deletes the rows of contacts. The range leaves the planner no plan that reads the rows of all
# contacts and compares each with every number.
DELETE_LAST_OPENS = """
delete from last_opens
using (
    select found.row_ctid
    from unnest($2::bigint[]) as input(number)
    cross join lateral (
        select ctid as row_ctid
        from last_opens
        where tenant = $1 and contact between number and number
        order by contact
        limit 1
        for update
    ) as found
) as selected
where tenant = $1 and last_opens.ctid = selected.row_ctid
"""

# Deletes the rows of all contacts of a tenant.
DELETE_ALL_LAST_OPENS = "delete from last_opens where tenant = $1"

# Selects a page of contacts (keyset pagination by number): at most $5 of those that neither got
# their first message nor opened one on day $4 or later, out of the $3 rows after the number $2.
# The last of these $3 is returned also if it does not match, so that the next page can start
# there.
LIST_INACTIVE_CONTACTS = """
select page.contact, contact_id is not null as matches, n = $3 as is_last_scanned, contact_id
from (
    select *, row_number() over (order by contact) as n
    from (
        select contact, first_message_date, last_open_date
        from last_opens
        where tenant = $1 and contact > $2
        order by contact
        limit $3
    ) as scanned
) as page
left join lateral (
    select contact_id
    from contacts
    where tenant = $1 and contact between page.contact and page.contact
        and opens_consent = 1
        and greatest(first_message_date, last_open_date) < $4
    order by contact
    limit 1
) as found on true
where contact_id is not null or n = $3
order by page.contact
limit $5
"""
