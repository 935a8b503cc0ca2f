"""Statements about receipts: which requests have been carried out."""

# Files receipts of distinct requests, $2 and $3; `new_requests` has the positions
# of those that are new. A request counts as known when its id stands in the
# period before, or could not be filed in all of the given periods (see
# `storage.receipts` for when there are two).
FILING = """
given as (
    select method, request_id, n::integer - 1 as position
    from unnest($2::smallint[], $3::uuid[]) with ordinality as given(method, request_id, n)
    where not exists (
        select from receipts known
        where known.tenant = $1
            and known.method = given.method
            and known.request_id = given.request_id
            and known.period = $4
    )
), filed as (
    insert into receipts (tenant, method, request_id, period, subject)
    select $1, method, request_id, period, $6
    from given cross join unnest($5::integer[]) as period
    order by method, request_id, period
    on conflict do nothing
    returning method, request_id
), new_requests as (
    select position
    from given join filed using (method, request_id)
    group by position
    having count(*) = cardinality($5::integer[])
)
"""

# Files receipts and answers the positions of the new ones.
FILE_RECEIPTS = f"with {FILING} select position from new_requests"

# What a request that was carried out has made.
RECEIPT_SUBJECT = """
select subject
from receipts
where tenant = $1 and method = $2 and request_id = $3
limit 1
"""
