"""Queries about API keys, which are stored with hashes of their secrets."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from hushpost_service.domain.roles import Role
from hushpost_service.storage.connection import Connection
from hushpost_service.storage.sql import api_keys as sql

__all__ = [
    "ApiKey",
    "NewApiKey",
    "api_key",
    "api_key_by_hash",
    "delete_api_key",
    "ended_api_keys",
    "insert_api_key",
    "list_api_keys",
    "record_use",
    "revoke_api_key",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class NewApiKey:
    """An API key to insert; the attributes are those of `ApiKey`."""

    tenant: int | None = None
    role: Role
    display_name: str
    create_actor: str
    edge_tenants: frozenset[int] | None = None
    expire_time: datetime | None = None


@dataclass(frozen=True, slots=True)
class ApiKey:
    """An API key, without its secret.

    Attributes:
        number: Its number.
        secret_hash: The digest of its secret.
        tenant: Its tenant; None if it belongs to the installation.
        tenant_id: The id of that tenant.
        role: What it may do.
        display_name: A name for people.
        create_time: When it was created.
        create_actor: The id of the key that created it, or what else did.
        edge_tenants: The tenants that a key of role EDGE is limited to; None for all.
        edge_tenant_ids: The ids of these tenants, sorted.
        expire_time: When it expires; None for never.
        is_expired: Whether it had expired when it was read, by the clock of the database.
        last_used_date: The last day (UTC) of its use. A date and not a time, so that it
            does not tell when an event was recorded.
        revoke_time: When it was revoked.
        revoke_actor: The id of the key that revoked it.
    """

    number: int
    secret_hash: bytes = field(repr=False)
    tenant: int | None
    tenant_id: str | None
    role: Role
    display_name: str
    create_time: datetime
    create_actor: str
    edge_tenants: frozenset[int] | None
    edge_tenant_ids: tuple[str, ...]
    expire_time: datetime | None
    is_expired: bool
    last_used_date: date | None
    revoke_time: datetime | None
    revoke_actor: str | None


async def insert_api_key(
    connection: Connection, key: NewApiKey, secret_hash: bytes
) -> tuple[int, bool]:
    """Insert a key; return its number, and whether it expires later than now."""
    row: Any = await connection.fetchrow(
        sql.INSERT_API_KEY,
        key.tenant,
        key.role,
        key.display_name,
        secret_hash,
        key.create_actor,
        None if key.edge_tenants is None else sorted(key.edge_tenants),
        key.expire_time,
    )
    return row["api_key"], row["is_valid"]


async def api_key_by_hash(connection: Connection, secret_hash: bytes) -> ApiKey | None:
    """Return the key with a hash, or None."""
    row = await connection.fetchrow(sql.API_KEY_BY_HASH, secret_hash)
    return None if row is None else _api_key(row)


async def delete_api_key(connection: Connection, number: int) -> None:
    """Delete a key that was inserted in the same transaction."""
    await connection.execute(sql.DELETE_API_KEY, number)


async def api_key(connection: Connection, number: int) -> ApiKey | None:
    """Return a key by number, or None."""
    row = await connection.fetchrow(sql.API_KEY, number)
    return None if row is None else _api_key(row)


async def list_api_keys(
    connection: Connection, tenant: int | None, after: int, limit: int
) -> list[ApiKey]:
    """Return at most `limit` keys of a tenant, or of all, after number `after`."""
    rows = await connection.fetch(sql.LIST_API_KEYS, tenant, after, limit)
    return [_api_key(row) for row in rows]


async def ended_api_keys(
    connection: Connection, secret_hashes: Collection[bytes]
) -> dict[bytes, bool]:
    """Return those of the keys that are not valid any more, and whether they have expired."""
    rows = await connection.fetch(sql.ENDED_API_KEYS, list(secret_hashes))
    return {row["secret_hash"]: row["is_expired"] for row in rows}


async def revoke_api_key(connection: Connection, number: int, actor: str) -> None:
    """Revoke a key, unless it is revoked already."""
    await connection.execute(sql.REVOKE_API_KEY, number, actor)


async def record_use(connection: Connection, numbers: Collection[int]) -> None:
    """Store the current date as the last use of keys. Pass sorted numbers, against deadlocks."""
    await connection.execute(sql.RECORD_USE, list(numbers))


def _api_key(row: Any) -> ApiKey:
    columns = dict(row)
    tenants = columns["edge_tenants"]
    return ApiKey(
        number=columns.pop("api_key"),
        **columns
        | {
            "role": Role(columns["role"]),
            "edge_tenants": None if tenants is None else frozenset(tenants),
            "edge_tenant_ids": tuple(columns["edge_tenant_ids"]),
        },
    )
