"""Anonymization jobs, and the queries that delete or move identified events for them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from hushpost_service.domain.events import ALL_SIGNALS, EventGroup, SignalRange
from hushpost_service.domain.modes import History
from hushpost_service.storage.connection import Connection
from hushpost_service.storage.sql import anonymization as sql

__all__ = [
    "CampaignContact",
    "ContactJob",
    "EventPlace",
    "EventsInCampaign",
    "ExpiredEvents",
    "PolicyJob",
    "add_progress",
    "campaigns_with_events",
    "contact_jobs",
    "contact_slots",
    "delete_events",
    "delete_jobs",
    "erased_contact_jobs",
    "expired_events",
    "first_place",
    "identified_campaigns",
    "insert_contact_jobs",
    "insert_policy_job",
    "move_slot",
    "policy_jobs",
    "set_total_events",
    "slot_signals",
    "tenants_with_jobs",
    "unconsented_contacts",
]

CampaignContact = tuple[int, int]
"""(campaign, contact): selects all events of a contact in a campaign."""


class EventsInCampaign(NamedTuple):
    """The events of a contact in a campaign: when it was created, and how many they are."""

    create_time: datetime
    events: int


class EventPlace(NamedTuple):
    """A place in the index of events by campaign. Events of a block of contacts share one."""

    campaign: int
    signal: int
    is_machine: bool
    block: int


class ExpiredEvents(NamedTuple):
    """The contacts of expired events that were found, and where to go on; None at the end."""

    pairs: list[CampaignContact]
    next: EventPlace | None


@dataclass(frozen=True, slots=True)
class ContactJob:
    """A pending job that applies `history` to the events of one contact."""

    number: int
    contact: int
    history: History


@dataclass(frozen=True, slots=True)
class PolicyJob:
    """A pending job that applies `history` to all contacts affected by a stricter policy."""

    number: int
    history: History
    start_time: datetime
    total_events: int
    anonymized_events: int


async def insert_contact_jobs(
    connection: Connection,
    tenant: int,
    contacts: Sequence[int],
    history: History,
    time: datetime,
) -> list[ContactJob]:
    """Insert a job for each contact; return the jobs."""
    if not contacts:
        return []
    rows = await connection.fetch(sql.INSERT_CONTACT_JOBS, tenant, contacts, history, time)
    return _contact_jobs(rows)


async def insert_policy_job(
    connection: Connection, tenant: int, history: History, time: datetime
) -> None:
    """Insert a job for all contacts affected by a policy change."""
    await connection.execute(sql.INSERT_POLICY_JOB, tenant, history, time)


async def tenants_with_jobs(connection: Connection) -> list[int]:
    """Return the tenants that have pending jobs."""
    return [tenant for (tenant,) in await connection.fetch(sql.TENANTS_WITH_JOBS)]


async def contact_jobs(
    connection: Connection, tenant: int, contacts: Sequence[int] | None = None
) -> list[ContactJob]:
    """Return the pending jobs of the given contacts, or of all contacts."""
    return _contact_jobs(await connection.fetch(sql.CONTACT_JOBS, tenant, contacts))


async def erased_contact_jobs(connection: Connection, tenant: int) -> list[ContactJob]:
    """Return the pending jobs of contacts that have been erased."""
    return _contact_jobs(await connection.fetch(sql.ERASED_CONTACT_JOBS, tenant))


def _contact_jobs(rows: Sequence[Any]) -> list[ContactJob]:
    return [ContactJob(number, contact, History(history)) for number, contact, history in rows]


async def policy_jobs(connection: Connection, tenant: int) -> list[PolicyJob]:
    """Return the pending policy jobs, oldest first."""
    rows = await connection.fetch(sql.POLICY_JOBS, tenant)
    return [
        PolicyJob(number, History(history), time, total, anonymized)
        for number, history, time, total, anonymized in rows
    ]


async def set_total_events(connection: Connection, tenant: int, number: int, events: int) -> None:
    """Store how many events a policy job has to anonymize in total."""
    await connection.execute(sql.SET_TOTAL_EVENTS, tenant, number, events)


async def add_progress(connection: Connection, tenant: int, number: int, events: int) -> None:
    """Add to the number of events that a policy job has anonymized."""
    await connection.execute(sql.ADD_PROGRESS, tenant, number, events)


async def delete_jobs(connection: Connection, tenant: int, numbers: Sequence[int]) -> None:
    """Delete finished jobs."""
    await connection.execute(sql.DELETE_JOBS, tenant, numbers)


async def campaigns_with_events(
    connection: Connection, tenant: int, contacts: Sequence[int]
) -> dict[CampaignContact, EventsInCampaign]:
    """Return the campaigns in which contacts have events."""
    rows = await connection.fetch(sql.CAMPAIGNS_WITH_EVENTS, tenant, contacts)
    return {
        (campaign, contact): EventsInCampaign(time, events)
        for campaign, contact, time, events in rows
    }


async def delete_events(
    connection: Connection,
    tenant: int,
    pairs: Sequence[CampaignContact],
    signals: SignalRange = ALL_SIGNALS,
    limit: int | None = None,
) -> list[EventGroup]:
    """Delete events of the pairs, at most `limit`; return what was deleted, grouped."""
    arguments = (tenant, *zip(*pairs, strict=True), *signals)
    if limit is None:
        rows = await connection.fetch(sql.DELETE_EVENTS, *arguments)
    else:
        rows = await connection.fetch(sql.DELETE_SOME_EVENTS, *arguments, limit)
    return [tuple(row) for row in rows]


def first_place(tenant: int) -> EventPlace:
    """Return the place before all events of a tenant."""
    return EventPlace(tenant << 40, 0, is_machine=False, block=0)


async def expired_events(
    connection: Connection, tenant: int, before: datetime, start: EventPlace, limit: int
) -> ExpiredEvents:
    """Look for events that are older than `before` among at most `limit` events, expired or not.

    Reads events of the month of `before` and of earlier months, from the place `start` on.
    """
    month_end = (before.replace(day=1) + timedelta(days=32)).replace(
        day=1, hour=0, minute=0, second=0, microsecond=0
    )
    row = await connection.fetchrow(sql.EXPIRED_EVENTS, tenant, before, month_end, *start, limit)
    assert row is not None  # noqa: S101 - an aggregate has one row
    events, campaigns, contacts, last = row
    pairs = list(dict.fromkeys(zip(campaigns, contacts, strict=True)))
    if events < limit:
        return ExpiredEvents(pairs, None)
    campaign, signal, machine, block = last
    return ExpiredEvents(pairs, EventPlace(campaign, signal, bool(machine), block))


async def contact_slots(
    connection: Connection, tenant: int, pair: CampaignContact, signals: SignalRange
) -> list[tuple[int, int, int]]:
    """Return the distinct (campaign, group, slot) of a contact's events in a campaign."""
    rows = await connection.fetch(sql.CONTACT_SLOTS, tenant, *pair, *signals)
    return [(campaign, group, slot) for campaign, group, slot in rows]


async def slot_signals(
    connection: Connection,
    tenant: int,
    contact: int,
    slot: tuple[int, int, int],
    signals: SignalRange,
) -> list[tuple[int, int]]:
    """Return the distinct (signal, verdict) of a contact's events with a slot.

    Args:
        connection: A database connection.
        tenant: The tenant.
        contact: The contact.
        slot: (campaign, group, slot).
        signals: The range that the signal is in.
    """
    rows = await connection.fetch(sql.SLOT_SIGNALS, tenant, contact, *slot, *signals)
    return [(signal, verdict) for signal, verdict in rows]


async def move_slot(
    connection: Connection,
    tenant: int,
    contact: int,
    slot: tuple[int, int, int],
    signals: SignalRange,
    new_slot: int,
) -> None:
    """Replace the slot in a contact's events; `slot` is (campaign, group, slot)."""
    await connection.execute(sql.MOVE_SLOT, tenant, contact, *slot, *signals, new_slot)


async def identified_campaigns(connection: Connection, tenant: int) -> dict[int, int]:
    """Return the campaigns that have identified events, with the number of these events."""
    rows = await connection.fetch(sql.IDENTIFIED_CAMPAIGNS, tenant)
    return dict(map(tuple, rows))


async def unconsented_contacts(
    connection: Connection, tenant: int, campaign: int, blocks: Sequence[int]
) -> list[int]:
    """Return contacts with events in a campaign, without consent to both since its creation.

    Args:
        connection: A database connection.
        tenant: The tenant.
        campaign: The campaign.
        blocks: Blocks of contacts, as returned by `stats.engaged_blocks`.
    """
    rows = await connection.fetch(sql.UNCONSENTED_CONTACTS, tenant, campaign, blocks)
    return [contact for (contact,) in rows]
