"""What folding reads, takes out and moves, and its promises."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from hushpost_service.policy import History
from hushpost_service.storage.database import BEGIN
from hushpost_service.storage.sql import folding as sql
from hushpost_service.tally import Taken

if TYPE_CHECKING:
    from hushpost_service.storage.database import Connection

__all__ = [
    "ContactFolding",
    "Pair",
    "PolicyFolding",
    "add_folded",
    "begin_folding",
    "contact_foldings",
    "contacts_with_events",
    "count_events",
    "delete_foldings",
    "erased_foldings",
    "expired",
    "insert_foldings",
    "insert_policy_folding",
    "move_slot",
    "pairs",
    "policy_foldings",
    "set_total",
    "slot_signals",
    "slots_of_pair",
    "take_events",
    "tenants_with_foldings",
]

_FOLDING_LOCK = 0x4855_464F
"""First key of the folding locks ("HUFO"); the second is the tenant."""

Pair = tuple[int, int]
"""(campaign, contact): all events of a contact on a campaign."""


@dataclass(frozen=True, slots=True)
class ContactFolding:
    """A promise to fold a contact's events, or to keep them apart."""

    number: int
    contact: int
    history: History


@dataclass(frozen=True, slots=True)
class PolicyFolding:
    """A promise to fold the events of all whom a stricter policy concerns."""

    number: int
    history: History
    start_time: datetime
    total_events: int
    folded_events: int


def begin_folding(tenant: int) -> str:
    """Return the script that begins a transaction that moves a tenant's events."""
    return sql.BEGIN_FOLDING.format(begin=BEGIN, lock=_FOLDING_LOCK, tenant=tenant)


async def insert_foldings(
    connection: "Connection",
    tenant: int,
    contacts: Sequence[int],
    history: History,
    time: datetime,
) -> None:
    """Promise to fold contacts' events."""
    if contacts:
        await connection.execute(sql.INSERT_FOLDINGS, tenant, contacts, history, time)


async def insert_policy_folding(
    connection: "Connection", tenant: int, history: History, time: datetime
) -> None:
    """Promise to fold the events of all whom the policy concerns."""
    await connection.execute(sql.INSERT_POLICY_FOLDING, tenant, history, time)


async def tenants_with_foldings(connection: "Connection") -> list[int]:
    """Return the tenants that promises have been made for."""
    return [tenant for (tenant,) in await connection.fetch(sql.TENANTS_WITH_FOLDINGS)]


async def contact_foldings(
    connection: "Connection", tenant: int, contacts: Sequence[int] | None = None
) -> list[ContactFolding]:
    """Return promises about the given contacts, or about all."""
    return _contact_foldings(await connection.fetch(sql.CONTACT_FOLDINGS, tenant, contacts))


async def erased_foldings(connection: "Connection", tenant: int) -> list[ContactFolding]:
    """Return promises about contacts that do not exist any more."""
    return _contact_foldings(await connection.fetch(sql.ERASED_FOLDINGS, tenant))


def _contact_foldings(rows: Sequence[Any]) -> list[ContactFolding]:
    return [ContactFolding(number, contact, History(history)) for number, contact, history in rows]


async def policy_foldings(connection: "Connection", tenant: int) -> list[PolicyFolding]:
    """Return promises about the policy."""
    rows = await connection.fetch(sql.POLICY_FOLDINGS, tenant)
    return [
        PolicyFolding(number, History(history), time, total, folded)
        for number, history, time, total, folded in rows
    ]


async def set_total(connection: "Connection", tenant: int, number: int, events: int) -> None:
    """Note how many events a policy folding is about."""
    await connection.execute(sql.SET_TOTAL, tenant, number, events)


async def add_folded(connection: "Connection", tenant: int, number: int, events: int) -> None:
    """Note that a policy folding has come further."""
    await connection.execute(sql.ADD_FOLDED, tenant, number, events)


async def delete_foldings(connection: "Connection", tenant: int, numbers: Sequence[int]) -> None:
    """Take promises as kept."""
    await connection.execute(sql.DELETE_FOLDINGS, tenant, numbers)


async def pairs(
    connection: "Connection", tenant: int, contacts: Sequence[int]
) -> dict[Pair, datetime]:
    """Return what contacts have events on, with the campaigns' creation."""
    rows = await connection.fetch(sql.PAIRS, tenant, contacts)
    return {(campaign, contact): time for campaign, contact, time in rows}


async def take_events(
    connection: "Connection", tenant: int, pairs: Sequence[Pair], limit: int | None
) -> list[Taken]:
    """Delete events of pairs, at most `limit`; return how many there were of each kind."""
    campaigns, contacts = zip(*pairs, strict=True)
    rows = await connection.fetch(sql.TAKE_EVENTS, tenant, campaigns, contacts, limit)
    return [tuple(row) for row in rows]


async def expired(
    connection: "Connection", tenant: int, before: datetime, limit: int
) -> list[Pair]:
    """Return pairs with an event from before that time: those of so many events."""
    rows = await connection.fetch(sql.EXPIRED, tenant, before, limit)
    return [(campaign, contact) for campaign, contact in rows]


async def slots_of_pair(
    connection: "Connection", tenant: int, pair: Pair
) -> list[tuple[int, int, int]]:
    """Return (campaign, group, slot) of all that a pair's events name."""
    rows = await connection.fetch(sql.SLOTS_OF_PAIR, tenant, *pair)
    return [(campaign, group, slot) for campaign, group, slot in rows]


async def slot_signals(
    connection: "Connection", tenant: int, contact: int, slot: tuple[int, int, int]
) -> list[tuple[int, int]]:
    """Return (signal, verdict) of the events of one (campaign, group, slot)."""
    rows = await connection.fetch(sql.SLOT_SIGNALS, tenant, contact, *slot)
    return [(signal, verdict) for signal, verdict in rows]


async def move_slot(
    connection: "Connection",
    tenant: int,
    contact: int,
    slot: tuple[int, int, int],
    to: int,
) -> None:
    """Give the events of one (campaign, group, slot) another slot."""
    await connection.execute(sql.MOVE_SLOT, tenant, contact, *slot, to)


async def contacts_with_events(
    connection: "Connection", tenant: int, after: int, limit: int
) -> list[int]:
    """Return the next contacts by number that have events and did not agree to them."""
    rows = await connection.fetch(sql.CONTACTS_WITH_EVENTS, tenant, after, limit)
    return [contact for (contact,) in rows]


async def count_events(connection: "Connection", tenant: int) -> int:
    """Return how many events there are of contacts that did not agree to them."""
    count: int = await connection.fetchval(sql.COUNT_EVENTS, tenant)
    return count
