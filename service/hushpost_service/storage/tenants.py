"""Queries about tenants and their policies."""

import secrets
from collections.abc import Collection, Iterable
from dataclasses import astuple, dataclass
from datetime import datetime
from typing import Any

from hushpost_service.domain.modes import (
    ConsentModes,
    History,
    Mode,
    Policy,
    PolicyPeriod,
    Release,
)
from hushpost_service.storage.connection import Connection
from hushpost_service.storage.sql import tenants as sql

__all__ = [
    "PolicyChange",
    "Tenant",
    "existing_tenants",
    "insert_policy",
    "insert_tenant",
    "list_policies",
    "list_tenants",
    "lock_tenant",
    "policies",
    "tenant",
    "tenant_ids",
    "tenant_numbers",
]

_MAX_TENANT = 2**23 - 1
"""A tenant is the upper 24 bits of its campaigns' numbers, which are positive."""


@dataclass(frozen=True, slots=True)
class Tenant:
    """A customer of the installation."""

    number: int
    tenant_id: str
    display_name: str
    create_time: datetime


@dataclass(frozen=True, slots=True)
class PolicyChange:
    """A version of a policy, when it came into force, and who set it."""

    version: int
    valid_from: datetime
    actor: str
    policy: Policy


async def insert_tenant(connection: Connection, tenant_id: str, display_name: str) -> int | None:
    """Insert a tenant with a random number; return the number, or None if its id is taken."""
    while await tenant(connection, tenant_id) is None:
        number = 1 + secrets.randbelow(_MAX_TENANT)
        # No row also if the number is taken, or if another call inserted the id just now.
        if await connection.fetchval(sql.INSERT_TENANT, number, tenant_id, display_name):
            return number
    return None


async def tenant(connection: Connection, tenant_id: str) -> Tenant | None:
    """Return a tenant by id, or None."""
    row = await connection.fetchrow(sql.TENANT, tenant_id)
    return None if row is None else Tenant(*row)


async def list_tenants(
    connection: Connection, only: int | None, after: str, limit: int
) -> list[Tenant]:
    """Return at most `limit` tenants after an id, sorted by id: all, or only one."""
    rows = await connection.fetch(sql.LIST_TENANTS, only, after, limit)
    return [Tenant(*row) for row in rows]


async def display_name(connection: Connection, tenant: int) -> str:
    """Return the name of a tenant for people; it may be empty."""
    name: str = await connection.fetchval(sql.DISPLAY_NAME, tenant)
    return name


async def tenant_ids(connection: Connection) -> dict[int, str]:
    """Return the ids of all tenants by number."""
    rows = await connection.fetch(sql.TENANT_IDS)
    return {row["tenant"]: row["tenant_id"] for row in rows}


async def tenant_numbers(connection: Connection, ids: Collection[str]) -> dict[str, int]:
    """Return the numbers of those of the tenants that exist, by id."""
    rows = await connection.fetch(sql.TENANT_NUMBERS, list(ids))
    return {row["tenant_id"]: row["tenant"] for row in rows}


async def existing_tenants(connection: Connection, numbers: Iterable[int]) -> set[int]:
    """Return the numbers that are those of tenants."""
    rows = await connection.fetch(sql.EXISTING_TENANTS, list(numbers))
    return {number for (number,) in rows}


async def lock_tenant(connection: Connection, number: int) -> None:
    """Serialize changes of the tenant's policy until the commit."""
    await connection.execute(sql.LOCK_TENANT, number)


async def insert_policy(connection: Connection, number: int, policy: Policy, actor: str) -> None:
    """Insert a policy, which is in force from now on."""
    await connection.execute(
        sql.INSERT_POLICY,
        number,
        actor,
        policy.anonymization_enabled,
        *astuple(policy.opens_modes),
        *astuple(policy.clicks_modes),
        policy.history_when_true,
        policy.retention_days,
        policy.release,
        policy.epsilon,
        policy.release_delays,
        policy.max_anonymous_messages,
        policy.reask_after_days,
        policy.record_last_opens,
    )


async def policies(connection: Connection, number: int) -> list[PolicyPeriod]:
    """Return all policies with their start, oldest first; the last is in force."""
    rows = await connection.fetch(sql.POLICIES, number)
    return [PolicyPeriod(row["valid_from"], _policy(row)) for row in rows]


async def list_policies(
    connection: Connection, number: int, after: int, limit: int
) -> list[PolicyChange]:
    """Return at most `limit` policies after version `after`, oldest first."""
    rows = await connection.fetch(sql.LIST_POLICIES, number, after, limit)
    return [
        PolicyChange(row["version"], row["valid_from"], row["actor"], _policy(row)) for row in rows
    ]


def _policy(row: Any) -> Policy:
    return Policy(
        anonymization_enabled=row["anonymization_enabled"],
        opens_modes=_modes(row, "opens"),
        clicks_modes=_modes(row, "clicks"),
        history_when_true=History(row["history_when_true"]),
        retention_days=row["retention_days"],
        release=Release(row["release"]),
        epsilon=row["epsilon"],
        release_delays=tuple(row["release_delays"]),
        max_anonymous_messages=row["max_anonymous_messages"],
        reask_after_days=row["reask_after_days"],
        record_last_opens=row["record_last_opens"],
    )


def _modes(row: Any, purpose: str) -> ConsentModes:
    return ConsentModes(
        when_unknown=Mode(row[f"{purpose}_when_unknown"]),
        when_denied=Mode(row[f"{purpose}_when_denied"]),
        when_withdrawn=Mode(row[f"{purpose}_when_withdrawn"]),
    )
