"""Statements about tenants, their policies and API keys."""

# Inserts a tenant; returns no row if its number or id is taken.
INSERT_TENANT = """
insert into tenants (tenant, tenant_id, display_name, create_time)
values ($1, $2, $3, clock_timestamp())
on conflict do nothing
returning tenant
"""

# Selects a tenant by id.
TENANT = "select tenant, tenant_id, display_name, create_time from tenants where tenant_id = $1"

# Selects the numbers and ids of all tenants.
TENANT_IDS = "select tenant, tenant_id from tenants order by tenant"

# Selects which of the numbers are those of tenants.
EXISTING_TENANTS = "select tenant from tenants where tenant = any($1::integer[])"

# Locks a tenant's row, which serializes changes of its policy.
LOCK_TENANT = "select tenant from tenants where tenant = $1 for update"

# Inserts a policy as the next version, which is in force from then on.
INSERT_POLICY = """
insert into policies (
    tenant, version, valid_from, actor, anonymization_enabled, mode_when_true, mode_when_unset,
    quorum, history_when_true, retention_days
)
select $1, coalesce(max(version), 0) + 1, clock_timestamp(), $2, $3, $4, $5, $6, $7, $8
from policies
where tenant = $1
"""

# Selects all versions of a tenant's policy, oldest first; the last is in force.
POLICIES = """
select version, valid_from, anonymization_enabled, mode_when_true, mode_when_unset, quorum,
    history_when_true, retention_days
from policies
where tenant = $1
order by version
"""

# Selects a page of them (keyset pagination by version), with the actors.
LIST_POLICIES = """
select version, valid_from, actor, anonymization_enabled, mode_when_true, mode_when_unset, quorum,
    history_when_true, retention_days
from policies
where tenant = $1 and version > $2::bigint
order by version
limit $3
"""

# Inserts an API key.
INSERT_API_KEY = """
insert into api_keys (tenant, role, display_name, secret_hash, create_time)
values ($1, $2, $3, $4, clock_timestamp())
returning api_key
"""

# Selects an API key by the hash of its secret.
API_KEY_BY_HASH = """
select api_key, api_keys.tenant, tenant_id, role, api_keys.display_name, api_keys.create_time,
    revoke_time
from api_keys left join tenants using (tenant)
where secret_hash = $1
"""

# Selects an API key by number.
API_KEY = """
select api_key, api_keys.tenant, tenant_id, role, api_keys.display_name, api_keys.create_time,
    revoke_time
from api_keys left join tenants using (tenant)
where api_key = $1
"""

# Selects a page (keyset pagination by number) of the API keys of a tenant, or of all if
# it is null, oldest first.
LIST_API_KEYS = """
select api_key, api_keys.tenant, tenant_id, role, api_keys.display_name, api_keys.create_time,
    revoke_time
from api_keys left join tenants using (tenant)
where ($1::integer is null or api_keys.tenant = $1) and api_key > $2
order by api_key
limit $3
"""

# Revokes an API key; a key that is revoked already keeps its revoke_time.
REVOKE_API_KEY = """
update api_keys
set revoke_time = coalesce(revoke_time, clock_timestamp())
where api_key = $1
"""

# Deletes an API key that was inserted in the same transaction.
DELETE_API_KEY = "delete from api_keys where api_key = $1"
