"""Queries about tracking domains."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from hushpost_service.storage.connection import Connection
from hushpost_service.storage.sql import tracking_domains as sql

__all__ = [
    "DomainPage",
    "TrackingDomain",
    "clear_default_domain",
    "count_domains",
    "default_domain",
    "delete_domain",
    "domain",
    "insert_domain",
    "list_domains",
    "lock_verifications",
    "set_default_domain",
    "set_pending",
    "set_verified",
    "verified_by_other",
]

_MAX_TENANT = 2**31 - 1


@dataclass(frozen=True, slots=True)
class TrackingDomain:
    """A name that edges serve for a tenant.

    Attributes:
        tenant: The tenant's number.
        tenant_id: The tenant's id.
        domain: The name, in lower case and in ASCII.
        proof: The random part of the TXT record that proves who controls the name.
        create_time: When it was registered.
        create_actor: The id of the key that registered it.
        verify_time: When it was verified; None while it is pending.
        is_default: Whether it is the default of the tenant's policy.
    """

    tenant: int
    tenant_id: str
    domain: str
    proof: str
    create_time: datetime
    create_actor: str
    verify_time: datetime | None
    is_default: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainPage:
    """Which domains to list.

    Attributes:
        tenants: The tenants whose domains to list; None for all.
        only_verified: Whether to leave out pending domains.
        after: The tenant and name of the last domain of the page before.
        limit: The greatest number of domains.
    """

    tenants: Collection[int] | None
    only_verified: bool
    after: tuple[int, str]
    limit: int


async def insert_domain(
    connection: Connection, tenant: int, name: str, proof: str, actor: str
) -> None:
    """Insert a pending domain, unless the tenant has it already."""
    await connection.execute(sql.INSERT_DOMAIN, tenant, name, proof, actor)


async def domain(connection: Connection, tenant: int, name: str) -> TrackingDomain | None:
    """Return a domain of a tenant, or None."""
    return _optional(await connection.fetchrow(sql.DOMAIN, tenant, name))


async def list_domains(connection: Connection, page: DomainPage) -> list[TrackingDomain]:
    """Return a page of domains, sorted by the number of the tenant and by name."""
    tenants = None if page.tenants is None else sorted(page.tenants)
    if tenants == []:
        return []
    # The bounds let the index skip all other tenants if there is only one.
    after = page.after if tenants is None else max(page.after, (tenants[0], ""))
    last = _MAX_TENANT if tenants is None else tenants[-1]
    rows = await connection.fetch(
        sql.LIST_DOMAINS, *after, last, tenants, page.only_verified, page.limit
    )
    return [TrackingDomain(*row) for row in rows]


async def count_domains(connection: Connection, tenant: int) -> int:
    """Return how many domains a tenant has."""
    count: int = await connection.fetchval(sql.COUNT_DOMAINS, tenant)
    return count


async def lock_verifications(connection: Connection) -> None:
    """Serialize verifications until the commit."""
    await connection.execute(sql.LOCK_VERIFICATIONS)


async def verified_by_other(
    connection: Connection, tenant: int, name: str
) -> TrackingDomain | None:
    """Return the verified domain of another tenant with this name, or None."""
    return _optional(await connection.fetchrow(sql.VERIFIED_BY_OTHER, tenant, name))


async def set_verified(connection: Connection, tenant: int, name: str) -> None:
    """Make a pending domain verified."""
    await connection.execute(sql.SET_VERIFIED, tenant, name)


async def set_pending(connection: Connection, tenant: int, name: str) -> None:
    """Make a verified domain pending, and no default."""
    await connection.execute(sql.SET_PENDING, tenant, name)


async def default_domain(connection: Connection, tenant: int) -> str:
    """Return the default domain of a tenant; empty if it has none."""
    return await connection.fetchval(sql.DEFAULT_DOMAIN, tenant) or ""


async def clear_default_domain(connection: Connection, tenant: int) -> None:
    """Make no domain of a tenant the default."""
    await connection.execute(sql.CLEAR_DEFAULT_DOMAIN, tenant)


async def set_default_domain(connection: Connection, tenant: int, name: str) -> bool:
    """Make a domain the default, after the default was cleared; return False if it isn't verified."""
    return await connection.fetchval(sql.SET_DEFAULT_DOMAIN, tenant, name) is not None


async def delete_domain(connection: Connection, tenant: int, name: str) -> bool:
    """Delete a domain; return whether there was one."""
    return await connection.fetchval(sql.DELETE_DOMAIN, tenant, name) is not None


def _optional(row: Any) -> TrackingDomain | None:
    return None if row is None else TrackingDomain(*row)
