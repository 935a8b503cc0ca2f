"""Statements about tracking domains."""

# Inserts a pending domain, unless the tenant has it already.
INSERT_DOMAIN = """
insert into tracking_domains (tenant, domain, proof, create_time, create_actor, is_default)
values ($1, $2, $3, clock_timestamp(), $4, false)
on conflict do nothing
"""

# The columns of a domain.
DOMAINS = """
select tenant, tenants.tenant_id, domain, proof, tracking_domains.create_time, create_actor,
    verify_time, is_default
from tracking_domains join tenants using (tenant)
"""

# Selects a domain of a tenant.
DOMAIN = f"{DOMAINS} where tenant = $1 and domain = $2"

# Selects a page of domains (keyset pagination by tenant and name): of tenants up to $3, and of
# those in $4 unless it is null; with $5 only verified ones.
LIST_DOMAINS = f"""{DOMAINS}
where (tenant, domain) > ($1::integer, $2)
    and tenant <= $3
    and ($4::integer[] is null or tenant = any($4::integer[]))
    and (verify_time is not null or not $5)
order by tenant, domain
limit $6
"""

# Counts the domains of a tenant.
COUNT_DOMAINS = "select count(*) from tracking_domains where tenant = $1"

# Serializes verifications until the commit: of two tenants, one gets a name.
LOCK_VERIFICATIONS = "lock table tracking_domains in share row exclusive mode"

# Selects the verified domain with a name that belongs to another tenant than $1.
VERIFIED_BY_OTHER = f"""{DOMAINS}
where tenant <> $1::integer and domain = $2 and verify_time is not null
"""

# Makes a domain verified.
SET_VERIFIED = """
update tracking_domains set verify_time = now()
where tenant = $1 and domain = $2 and verify_time is null
"""

# Makes a verified domain pending.
SET_PENDING = """
update tracking_domains set verify_time = null, is_default = false
where tenant = $1 and domain = $2
"""

# Selects the default domain of a tenant.
DEFAULT_DOMAIN = "select domain from tracking_domains where tenant = $1 and is_default"

# Makes no domain the default.
CLEAR_DEFAULT_DOMAIN = """
update tracking_domains set is_default = false where tenant = $1 and is_default
"""

# Makes a domain the default if it is verified; returns a row if so.
SET_DEFAULT_DOMAIN = """
update tracking_domains set is_default = true
where tenant = $1 and domain = $2 and verify_time is not null
returning domain
"""

# Deletes a domain; returns a row if there was one.
DELETE_DOMAIN = "delete from tracking_domains where tenant = $1 and domain = $2 returning domain"
