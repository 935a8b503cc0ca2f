"""Statements about request ids (idempotency keys)."""

# CTEs that claim the distinct request ids $2 (methods) and $3 (hashes of ids). `new_requests` has
# the positions of those that were not claimed before: a request id counts as claimed if
# another period than $4 contains it, or if it cannot be inserted into all of the periods
# $4. See `storage.request_ids` for when there are two.
#
# A subquery with `limit` looks each id up by its key. `not exists` would become a join, which the
# planner lets read all ids of the tenant while their partition has no statistics yet.
#
# The arrays, which are text (see `storage.array_text`), are read twice, because a distributed database sends a CTE that is used twice to all
# workers, which would all take part in the commit.
CLAIM = """
inserted as (
    insert into request_ids (tenant, method, request_id, period, created_number, content)
    select $1, method, request_id, period, $5, $6
    from unnest($2::text::smallint[], $3::text::uuid[]) as input(method, request_id)
    cross join unnest($4::integer[]) as period
    where (
        select true
        from request_ids
        where tenant = $1
            and method = input.method
            and request_id = input.request_id
            and period <> all($4::integer[])
        limit 1
    ) is null
    order by method, request_id, period
    on conflict do nothing
    returning method, request_id
), new_requests as (
    select n::integer - 1 as position
    from unnest($2::text::smallint[], $3::text::uuid[]) with ordinality as input(method, request_id, n)
    join inserted using (method, request_id)
    group by n
    having count(*) = cardinality($4::integer[])
)
"""

# Claims request ids; returns the positions of the new ones.
CLAIM_REQUEST_IDS = f"with {CLAIM} select position from new_requests"

# Stores what the response of a repeated call needs.
SET_RESULT = """
update request_ids
set created_number = $4, result = $5
where tenant = $1 and method = $2 and request_id = $3
"""

# Selects the result of an executed request.
RESULT = """
select created_number, result
from request_ids
where tenant = $1 and method = $2 and request_id = $3 and result is not null
limit 1
"""

# Selects what is known of an executed request; no rows if it was not executed. Two periods
# may have the request.
EXECUTED_REQUEST = """
select created_number, content
from request_ids
where tenant = $1 and method = $2 and request_id = $3
"""
