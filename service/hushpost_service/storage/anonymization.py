"""What folding reads, takes out and moves, and its promises."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from hushpost_service.domain.events import EventGroup
from hushpost_service.domain.modes import History
from hushpost_service.storage.connection import Connection
from hushpost_service.storage.database import BEGIN
from hushpost_service.storage.sql import anonymization as sql

__all__ = [
    "ContactJob",
    "Pair",
    "PolicyJob",
    "add_progress",
    "begin_anonymizing",
    "contact_jobs",
    "contacts_with_events",
    "count_events",
    "delete_jobs",
    "erased_contact_jobs",
    "expired",
    "insert_contact_jobs",
    "insert_policy_job",
    "move_slot",
    "pairs",
    "policy_jobs",
    "set_total",
    "slot_signals",
    "slots_of_pair",
    "take_events",
    "tenants_with_jobs",
]

_ANONYMIZATION_LOCK = 0x4855_464F
"""First key of the folding locks ("HUFO"); the second is the tenant."""

Pair = tuple[int, int]
"""(campaign, contact): all events of a contact on a campaign."""


@dataclass(frozen=True, slots=True)
class ContactJob:
    """A promise to fold a contact's events, or to keep them apart."""

    number: int
    contact: int
    history: History


@dataclass(frozen=True, slots=True)
class PolicyJob:
    """A promise to fold the events of all whom a stricter policy concerns."""

    number: int
    history: History
    start_time: datetime
    total_events: int
    anonymized_events: int


def begin_anonymizing(tenant: int) -> str:
    """Return the script that begins a transaction that moves a tenant's events."""
    return sql.BEGIN_ANONYMIZING.format(begin=BEGIN, lock=_ANONYMIZATION_LOCK, tenant=tenant)


async def insert_contact_jobs(
    connection: Connection,
    tenant: int,
    contacts: Sequence[int],
    history: History,
    time: datetime,
) -> None:
    """Promise to fold contacts' events."""
    if contacts:
        await connection.execute(sql.INSERT_CONTACT_JOBS, tenant, contacts, history, time)


async def insert_policy_job(
    connection: Connection, tenant: int, history: History, time: datetime
) -> None:
    """Promise to fold the events of all whom the policy concerns."""
    await connection.execute(sql.INSERT_POLICY_JOB, tenant, history, time)


async def tenants_with_jobs(connection: Connection) -> list[int]:
    """Return the tenants that promises have been made for."""
    return [tenant for (tenant,) in await connection.fetch(sql.TENANTS_WITH_JOBS)]


async def contact_jobs(
    connection: Connection, tenant: int, contacts: Sequence[int] | None = None
) -> list[ContactJob]:
    """Return promises about the given contacts, or about all."""
    return _contact_jobs(await connection.fetch(sql.CONTACT_JOBS, tenant, contacts))


async def erased_contact_jobs(connection: Connection, tenant: int) -> list[ContactJob]:
    """Return promises about contacts that do not exist any more."""
    return _contact_jobs(await connection.fetch(sql.ERASED_CONTACT_JOBS, tenant))


def _contact_jobs(rows: Sequence[Any]) -> list[ContactJob]:
    return [ContactJob(number, contact, History(history)) for number, contact, history in rows]


async def policy_jobs(connection: Connection, tenant: int) -> list[PolicyJob]:
    """Return promises about the policy."""
    rows = await connection.fetch(sql.POLICY_JOBS, tenant)
    return [
        PolicyJob(number, History(history), time, total, folded)
        for number, history, time, total, folded in rows
    ]


async def set_total(connection: Connection, tenant: int, number: int, events: int) -> None:
    """Note how many events a policy folding is about."""
    await connection.execute(sql.SET_TOTAL, tenant, number, events)


async def add_progress(connection: Connection, tenant: int, number: int, events: int) -> None:
    """Note that a policy folding has come further."""
    await connection.execute(sql.ADD_PROGRESS, tenant, number, events)


async def delete_jobs(connection: Connection, tenant: int, numbers: Sequence[int]) -> None:
    """Take promises as kept."""
    await connection.execute(sql.DELETE_JOBS, tenant, numbers)


async def pairs(
    connection: Connection, tenant: int, contacts: Sequence[int]
) -> dict[Pair, datetime]:
    """Return what contacts have events on, with the campaigns' creation."""
    rows = await connection.fetch(sql.PAIRS, tenant, contacts)
    return {(campaign, contact): time for campaign, contact, time in rows}


async def take_events(
    connection: Connection, tenant: int, pairs: Sequence[Pair], limit: int | None
) -> list[EventGroup]:
    """Delete events of pairs, at most `limit`; return how many there were of each kind."""
    campaigns, contacts = zip(*pairs, strict=True)
    rows = await connection.fetch(sql.TAKE_EVENTS, tenant, campaigns, contacts, limit)
    return [tuple(row) for row in rows]


async def expired(connection: Connection, tenant: int, before: datetime, limit: int) -> list[Pair]:
    """Return pairs with an event from before that time: those of so many events."""
    rows = await connection.fetch(sql.EXPIRED, tenant, before, limit)
    return [(campaign, contact) for campaign, contact in rows]


async def slots_of_pair(
    connection: Connection, tenant: int, pair: Pair
) -> list[tuple[int, int, int]]:
    """Return (campaign, group, slot) of all that a pair's events name."""
    rows = await connection.fetch(sql.SLOTS_OF_PAIR, tenant, *pair)
    return [(campaign, group, slot) for campaign, group, slot in rows]


async def slot_signals(
    connection: Connection, tenant: int, contact: int, slot: tuple[int, int, int]
) -> list[tuple[int, int]]:
    """Return (signal, verdict) of the events of one (campaign, group, slot)."""
    rows = await connection.fetch(sql.SLOT_SIGNALS, tenant, contact, *slot)
    return [(signal, verdict) for signal, verdict in rows]


async def move_slot(
    connection: Connection,
    tenant: int,
    contact: int,
    slot: tuple[int, int, int],
    to: int,
) -> None:
    """Give the events of one (campaign, group, slot) another slot."""
    await connection.execute(sql.MOVE_SLOT, tenant, contact, *slot, to)


async def contacts_with_events(
    connection: Connection, tenant: int, after: int, limit: int
) -> list[int]:
    """Return the next contacts by number that have events and did not agree to them."""
    rows = await connection.fetch(sql.CONTACTS_WITH_EVENTS, tenant, after, limit)
    return [contact for (contact,) in rows]


async def count_events(connection: Connection, tenant: int) -> int:
    """Return how many events there are of contacts that did not agree to them."""
    count: int = await connection.fetchval(sql.COUNT_EVENTS, tenant)
    return count
