"""Queries about API keys, which are stored with hashes of their secrets."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from hushpost_service.domain.roles import Role
from hushpost_service.storage.connection import Connection
from hushpost_service.storage.sql import tenants as sql

__all__ = [
    "ApiKey",
    "api_key",
    "api_key_by_hash",
    "delete_api_key",
    "insert_api_key",
    "list_api_keys",
    "revoke_api_key",
]


@dataclass(frozen=True, slots=True)
class ApiKey:
    """An API key, without its secret. `tenant` is None if it is valid for all tenants."""

    number: int
    tenant: int | None
    tenant_id: str | None
    role: Role
    display_name: str
    create_time: datetime
    revoke_time: datetime | None


async def insert_api_key(
    connection: Connection,
    tenant: int | None,
    role: Role,
    display_name: str,
    secret_hash: bytes,
) -> int:
    """Insert a key; return its number."""
    number: int = await connection.fetchval(
        sql.INSERT_API_KEY, tenant, role, display_name, secret_hash
    )
    return number


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


async def revoke_api_key(connection: Connection, number: int) -> None:
    """Revoke a key."""
    await connection.execute(sql.REVOKE_API_KEY, number)


def _api_key(row: Any) -> ApiKey:
    number, tenant, tenant_id, role, display_name, create_time, revoke_time = row
    return ApiKey(number, tenant, tenant_id, Role(role), display_name, create_time, revoke_time)
