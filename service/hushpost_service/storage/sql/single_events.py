"""Statements that record the events of single calls. Arrays are text, see `storage.array_text`."""

from hushpost_service.storage.sql.preference_columns import (
    PREFERENCE_COLUMNS,
    PREFERENCE_GROUP,
    PREFERENCE_SINCE,
)
from hushpost_service.storage.sql.recording import POLICY_START

# Selects what `LOAD_RECORDING_INPUTS` does, but claims nothing: whether one of the request ids has
# been claimed, the start of the policy in force, and contacts grouped by preference, with the version
# of each row. `xmin` is the transaction that wrote the version, so any change of a row changes it.
READ_SINGLE_INPUTS = f"""
select exists (
        select
        from unnest($2::text::smallint[], $3::text::uuid[]) as input(method, request_id)
        where (
            select true
            from request_ids
            where tenant = $1 and method = input.method and request_id = input.request_id
            limit 1
        )
    ) as is_repeated,
    valid_from, contacts, versions, {PREFERENCE_GROUP}
from (select ({POLICY_START}) as valid_from) as policy
left join (
    select array_agg(contact) as contacts, array_agg(version) as versions,
    {PREFERENCE_SINCE.format(created="$5")}
    from unnest($4::text::bigint[]) as input(number)
    cross join lateral (
        select contact, xmin as version, {PREFERENCE_COLUMNS}
        from contacts
        where tenant = $1 and contact between number and number
        order by contact
        limit 1
    ) as found
    group by {PREFERENCE_GROUP}
) as preference_groups on true
"""

# Records the events, in a transaction of its own. The schema has the function and describes it.
RECORD_SINGLE_EVENTS = """
select record_single_events(
    $1, $2, $3, $4::text::bigint[], $5::text::xid[], $6::text::smallint[], $7::text::uuid[], $8, $9,
    $10::text::bigint[], $11::text::integer[], $12::text::integer[], $13::text::boolean[],
    $14::text::smallint[], $15::text::integer[], $16::text::bigint[], $17::text::bigint[],
    $18::text::smallint[], $19::text::boolean[]
)
"""
