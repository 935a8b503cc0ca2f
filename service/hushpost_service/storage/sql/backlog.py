"""Statements about work that waits, over all tenants."""

# Selects the database's time, and the number and the earliest start of the anonymization jobs
# that started before that time less $1; jobs beyond the first $2 are not read.
ANONYMIZATION_BACKLOG = """
select clock_timestamp() as now, count(*) as jobs, min(start_time) as oldest
from (select start_time from anonymization_jobs limit $2) as jobs
where start_time < clock_timestamp() - $1::interval
"""

# Selects the earliest date on which a release is due, in the past or the future.
NEXT_RELEASE = """
select next_release_time
from campaigns
where next_release_time is not null
order by next_release_time
limit 1
"""
