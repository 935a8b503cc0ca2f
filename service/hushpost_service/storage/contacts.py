"""Queries about contacts and their preferences."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from hushpost_service.domain.consent import Consent
from hushpost_service.domain.contact_numbers import ContactNumbers
from hushpost_service.domain.modes import ContactPreference
from hushpost_service.storage.connection import Connection
from hushpost_service.storage.database_kind import DatabaseKind
from hushpost_service.storage.preference_columns import to_columns, to_preference
from hushpost_service.storage.scanned_page import MAX_SCANNED, ScannedPage, scanned_page
from hushpost_service.storage.sql import contacts as sql
from hushpost_service.storage.sql.distribution import DEAD_TUPLES_ON_WORKERS

__all__ = [
    "Contact",
    "ContactFilter",
    "ContactsByPreference",
    "contact_id",
    "contacts",
    "contacts_by_preference",
    "delete_contact",
    "insert_missing_contacts",
    "list_contacts",
    "lock_contacts",
    "set_hint_bits",
    "try_insert_contacts",
    "update_preferences",
    "vacuum",
]

_VACUUM_SECONDS = 3600
"""Longer than a vacuum of any number of contacts; it only waits for another vacuum."""


@dataclass(frozen=True, slots=True)
class Contact:
    """A recipient: the tenant's id, the internal number, the preference."""

    contact_id: str
    number: int
    preference: ContactPreference


@dataclass(frozen=True, slots=True)
class ContactsByPreference:
    """Contacts with the same preference: their numbers by id."""

    preference: ContactPreference
    numbers: dict[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactFilter:
    """Selects contacts by their preference; a contact must match all that is given.

    Attributes:
        opens_consents: The consent to opens is one of these; None: any.
        clicks_consents: The consent to clicks is one of these; None: any.
        decided_before: The preference last changed before this time.
        never_decided: The preference never changed.
        refused_until: Contacts that may be asked: some consent is missing, and none was
            refused after this time.
    """

    opens_consents: Sequence[Consent] | None = None
    clicks_consents: Sequence[Consent] | None = None
    decided_before: datetime | None = None
    never_decided: bool = False
    refused_until: datetime | None = None


async def insert_missing_contacts(
    connection: Connection, tenant: int, contact_ids: Iterable[str], numbers: ContactNumbers
) -> dict[str, int]:
    """Insert the contacts that do not exist, with UNKNOWN consent; return their numbers by id.

    Also leaves out contacts whose new numbers are taken; try them again.
    """
    # Sorted, so that concurrent calls cannot deadlock.
    ids = sorted(contact_ids)
    first = numbers.take(len(ids))
    ((inserted, new),) = await connection.fetch(
        sql.INSERT_MISSING_CONTACTS, tenant, "\n".join(ids), first
    )
    return dict(zip(inserted or (), new or (), strict=True))


async def try_insert_contacts(
    connection: Connection, tenant: int, contact_ids: Iterable[str], numbers: ContactNumbers
) -> dict[str, int] | None:
    """Insert contacts, with UNKNOWN consent; return their numbers by id.

    If one of them exists already, or a new number is taken, inserts none and returns None.
    Use `insert_missing_contacts` then; this function is faster.
    """
    ids = sorted(contact_ids)
    first = numbers.take(len(ids))
    if not await connection.fetchval(sql.TRY_INSERT_CONTACTS, tenant, "\n".join(ids), first):
        return None
    return dict(zip(ids, range(first, first + len(ids)), strict=True))


async def contacts_by_preference(
    connection: Connection, tenant: int, contact_ids: Iterable[str], created: datetime
) -> list[ContactsByPreference]:
    """Return contacts grouped by their preference for a campaign created at `created`.

    Contacts that do not exist are left out.
    """
    rows = await connection.fetch(
        sql.CONTACTS_BY_PREFERENCE, tenant, "\n".join(contact_ids), created
    )
    return [
        ContactsByPreference(
            to_preference(columns),
            dict(zip(ids, numbers, strict=True)),
        )
        for ids, numbers, *columns in rows
    ]


async def contacts(
    connection: Connection, tenant: int, contact_ids: Sequence[str]
) -> dict[str, Contact]:
    """Return contacts by id; those that do not exist are left out."""
    return _contacts_by_id(await connection.fetch(sql.CONTACTS, tenant, contact_ids))


async def lock_contacts(
    connection: Connection, tenant: int, contact_ids: Sequence[str]
) -> dict[str, Contact]:
    """Return contacts by id, locked for a change of their preferences."""
    return _contacts_by_id(await connection.fetch(sql.LOCK_CONTACTS, tenant, contact_ids))


def _contacts_by_id(rows: Sequence[Any]) -> dict[str, Contact]:
    return {
        contact_id: Contact(contact_id, number, to_preference(columns))
        for contact_id, number, *columns in rows
    }


async def list_contacts(
    connection: Connection, tenant: int, wanted: ContactFilter, after: str, limit: int
) -> ScannedPage[tuple[str, ContactPreference], str]:
    """Return a page of at most `limit` contacts with ids greater than `after`, by id."""
    rows = await connection.fetch(
        sql.LIST_CONTACTS,
        tenant,
        after,
        MAX_SCANNED,
        wanted.opens_consents,
        wanted.clicks_consents,
        wanted.decided_before,
        wanted.never_decided,
        wanted.refused_until is not None,
        wanted.refused_until,
        limit + 1,
    )
    return scanned_page(rows, limit, lambda name, *columns: (name, to_preference(columns)))


async def contact_id(connection: Connection, tenant: int, number: int) -> str | None:
    """Return the id of a contact by number, or None."""
    found: str | None = await connection.fetchval(sql.CONTACT_ID, tenant, number)
    return found


async def update_preferences(
    connection: Connection,
    tenant: int,
    changed: Sequence[tuple[int, ContactPreference]],
) -> None:
    """Update preferences, given with contact numbers."""
    await connection.execute(
        sql.UPDATE_PREFERENCES,
        tenant,
        [number for number, _ in changed],
        *zip(*(to_columns(preference) for _, preference in changed), strict=True),
    )


async def set_hint_bits(connection: Connection, tenant: int, numbers: Sequence[int]) -> None:
    """Read committed contacts as the recorder does, so that its reads set no hint bits."""
    await connection.execute(sql.SET_HINT_BITS, tenant, f"{{{str(list(numbers))[1:-1]}}}")


async def vacuum(connection: Connection, kind: DatabaseKind = DatabaseKind.SINGLE) -> bool:
    """Vacuum contacts, outside of a transaction; return whether no dead tuples remain."""
    await connection.execute(sql.VACUUM, timeout=_VACUUM_SECONDS)
    if kind is DatabaseKind.DISTRIBUTED:
        kept: int | None = await connection.fetchval(DEAD_TUPLES_ON_WORKERS)
        return kept == 0
    dead_tuples: int | None = await connection.fetchval(sql.DEAD_TUPLES)
    return not dead_tuples


async def delete_contact(connection: Connection, tenant: int, contact: str) -> int | None:
    """Delete a contact and its preference; return its number, or None."""
    number: int | None = await connection.fetchval(sql.DELETE_CONTACT, tenant, contact)
    return number
