"""Statements about tenants and their policies."""

# Inserts a tenant; returns no row if its number or id is taken.
INSERT_TENANT = """
insert into tenants (tenant, tenant_id, display_name, create_time)
values ($1, $2, $3, clock_timestamp())
on conflict do nothing
returning tenant
"""

# Selects a tenant by id.
TENANT = "select tenant, tenant_id, display_name, create_time from tenants where tenant_id = $1"

# Selects a page of all tenants, or of one if its number is given (keyset pagination by id).
LIST_TENANTS = """
select tenant, tenant_id, display_name, create_time
from tenants
where tenant_id > $2 and ($1::integer is null or tenant = $1)
order by tenant_id
limit $3
"""

# Selects the name of a tenant for people.
DISPLAY_NAME = "select display_name from tenants where tenant = $1"

# Selects the numbers of tenants by id.
TENANT_NUMBERS = "select tenant_id, tenant from tenants where tenant_id = any($1::text[])"

# Selects the numbers and ids of all tenants.
TENANT_IDS = "select tenant, tenant_id from tenants order by tenant"

# Selects which of the numbers are those of tenants.
EXISTING_TENANTS = "select tenant from tenants where tenant = any($1::integer[])"

# Locks a tenant's row, which serializes changes of its policy.
LOCK_TENANT = "select tenant from tenants where tenant = $1 for update"

# Inserts a policy as the next version, which is in force from then on.
INSERT_POLICY = """
insert into policies (
    tenant, version, valid_from, actor, anonymization_enabled,
    opens_when_unknown, opens_when_denied, opens_when_withdrawn, clicks_when_unknown,
    clicks_when_denied, clicks_when_withdrawn, history_when_true, retention_days, release, epsilon,
    release_delays, max_anonymous_messages, reask_after_days, record_last_opens
)
select $1, coalesce(max(version), 0) + 1, clock_timestamp(), $2, $3, $4, $5, $6, $7, $8, $9, $10,
    $11, $12, $13, $14, $15, $16, $17
from policies
where tenant = $1
"""

# Selects all versions of a tenant's policy, oldest first; the last is in force.
POLICIES = """
select version, valid_from, anonymization_enabled,
    opens_when_unknown, opens_when_denied, opens_when_withdrawn, clicks_when_unknown,
    clicks_when_denied, clicks_when_withdrawn, history_when_true, retention_days, release, epsilon,
    release_delays, max_anonymous_messages, reask_after_days, record_last_opens
from policies
where tenant = $1
order by version
"""

# Selects a page of them (keyset pagination by version), with the actors.
LIST_POLICIES = """
select version, valid_from, actor, anonymization_enabled,
    opens_when_unknown, opens_when_denied, opens_when_withdrawn, clicks_when_unknown,
    clicks_when_denied, clicks_when_withdrawn, history_when_true, retention_days, release, epsilon,
    release_delays, max_anonymous_messages, reask_after_days, record_last_opens
from policies
where tenant = $1 and version > $2::bigint
order by version
limit $3
"""
