"""Statements about API keys."""

# Inserts an API key. Returns its number, and whether it is valid for some time.
INSERT_API_KEY = """
insert into api_keys (
    tenant, role, display_name, secret_hash, create_time, create_actor, edge_tenants, expire_time
)
values ($1, $2, $3, $4, clock_timestamp(), $5, $6::integer[], $7::timestamptz)
returning api_key, expire_time is null or expire_time > create_time as is_valid
"""

# The columns of an API key; whether it has expired, by the clock of the database.
API_KEYS = """
select api_key, secret_hash, api_keys.tenant, tenant_id, role, api_keys.display_name,
    api_keys.create_time, create_actor, edge_tenants,
    array(
        select tenants.tenant_id from tenants
        where tenants.tenant = any(edge_tenants) order by tenants.tenant_id
    ) as edge_tenant_ids,
    expire_time, coalesce(expire_time <= clock_timestamp(), false) as is_expired,
    last_used_date, revoke_time, revoke_actor
from api_keys left join tenants using (tenant)
"""

# Selects an API key by the hash of its secret.
API_KEY_BY_HASH = f"{API_KEYS} where secret_hash = $1"

# Selects an API key by number.
API_KEY = f"{API_KEYS} where api_key = $1"

# Selects a page (keyset pagination by number) of the API keys of a tenant, or of all if
# it is null, oldest first.
LIST_API_KEYS = f"""{API_KEYS}
where ($1::integer is null or api_keys.tenant = $1) and api_key > $2
order by api_key
limit $3
"""

# Selects those of the API keys that are no longer valid, and whether they have expired. A
# key that does not exist counts as revoked.
ENDED_API_KEYS = """
select checked.secret_hash,
    coalesce(revoke_time is null and expire_time is not null, false) as is_expired
from unnest($1::bytea[]) as checked(secret_hash) left join api_keys using (secret_hash)
where api_keys.api_key is null or revoke_time is not null or expire_time <= clock_timestamp()
"""

# Revokes an API key; a key that is revoked already keeps its revoke_time and revoke_actor.
REVOKE_API_KEY = """
update api_keys
set revoke_time = now(), revoke_actor = $2
where api_key = $1 and revoke_time is null
"""

# Stores the date as the last use of API keys: at most one change per key and day.
RECORD_USE = """
update api_keys
set last_used_date = (now() at time zone 'UTC')::date
where api_key = any($1::bigint[])
    and last_used_date is distinct from (now() at time zone 'UTC')::date
"""

# Deletes an API key that was inserted in the same transaction.
DELETE_API_KEY = "delete from api_keys where api_key = $1"
