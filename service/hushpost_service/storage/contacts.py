"""Queries about contacts, their preferences, and the log of changes."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from typing import Any

from hushpost_service.domain.contact_numbers import ContactNumbers
from hushpost_service.domain.modes import ContactPreference, DoNotTrack
from hushpost_service.storage.connection import Connection
from hushpost_service.storage.sql import contacts as sql

__all__ = [
    "ChangeEntry",
    "Contact",
    "ContactsByPreference",
    "Source",
    "contact_id",
    "contacts",
    "contacts_by_preference",
    "delete_changes",
    "delete_contact",
    "insert_changes",
    "insert_missing_contacts",
    "last_decisions",
    "list_changes",
    "lock_contacts",
    "pseudonymize_changes",
    "set_hint_bits",
    "try_insert_contacts",
    "update_preferences",
    "vacuum",
]

_VACUUM_SECONDS = 3600
"""Longer than a vacuum of any number of contacts; it only waits for another vacuum."""


class Source(IntEnum):
    """Who or what set a preference. Values as in `hushpost.v1.PreferenceSource`."""

    RECIPIENT = 1
    SENDER = 2
    IMPORT = 3
    IMPORT_EMPTY_CELL = 4


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


@dataclass(frozen=True, slots=True)
class ChangeEntry:
    """One change of a preference. `time` and `number` are assigned when it is stored."""

    contact_id: str
    old: DoNotTrack
    new: DoNotTrack
    source: Source
    evidence: str
    actor: str
    time: datetime | None = None
    number: int = 0


async def insert_missing_contacts(
    connection: Connection, tenant: int, contact_ids: Iterable[str], numbers: ContactNumbers
) -> dict[str, int]:
    """Insert the contacts that do not exist, as UNSET; return their numbers by id.

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
    """Insert contacts, as UNSET; return their numbers by id.

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
            ContactPreference(_DO_NOT_TRACK[value], since, (anonymous, aggregate, off)),
            dict(zip(ids, numbers, strict=True)),
        )
        for ids, numbers, value, since, anonymous, aggregate, off in rows
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
        contact_id: Contact(
            contact_id,
            number,
            ContactPreference(_DO_NOT_TRACK[value], since, (anonymous, aggregate, off)),
        )
        for contact_id, number, value, since, anonymous, aggregate, off in rows
    }


_DO_NOT_TRACK = {int(value): value for value in DoNotTrack}
"""Faster than calling the enumeration."""


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
        [preference.do_not_track for _, preference in changed],
        [preference.since for _, preference in changed],
        *zip(*(preference.floors for _, preference in changed), strict=True),
    )


async def set_hint_bits(connection: Connection, tenant: int, numbers: Sequence[int]) -> None:
    """Read committed contacts as the recorder does, so that its reads set no hint bits."""
    await connection.execute(sql.SET_HINT_BITS, tenant, f"{{{str(list(numbers))[1:-1]}}}")


async def vacuum(connection: Connection) -> bool:
    """Vacuum contacts, outside of a transaction; return whether no dead tuples remain."""
    await connection.execute(sql.VACUUM, timeout=_VACUUM_SECONDS)
    dead_tuples: int | None = await connection.fetchval(sql.DEAD_TUPLES)
    return not dead_tuples


async def insert_changes(
    connection: Connection,
    tenant: int,
    entries: Sequence[ChangeEntry],
    time: datetime,
) -> None:
    """Append entries of one actor to the log of changes."""
    await connection.execute(
        sql.INSERT_CHANGES,
        tenant,
        [entry.contact_id for entry in entries],
        [entry.old for entry in entries],
        [entry.new for entry in entries],
        [entry.source for entry in entries],
        [entry.evidence for entry in entries],
        entries[0].actor,
        time,
    )


async def last_decisions(
    connection: Connection, tenant: int, contact_ids: Sequence[str]
) -> dict[str, tuple[Source, DoNotTrack]]:
    """Return the latest logged decision of each contact, and who made it: RECIPIENT or SENDER.

    Contacts without one are left out.
    """
    rows = await connection.fetch(sql.LAST_DECISIONS, tenant, contact_ids)
    return {name: (Source(source), DoNotTrack(new)) for name, source, new in rows}


async def list_changes(
    connection: Connection, tenant: int, contact: str | None, after: int, limit: int
) -> list[ChangeEntry]:
    """Return at most `limit` log entries after number `after`, of one contact or of all."""
    if contact is None:
        rows = await connection.fetch(sql.LIST_CHANGES, tenant, after, limit)
    else:
        rows = await connection.fetch(sql.LIST_CHANGES_OF_CONTACT, tenant, after, limit, contact)
    return [
        ChangeEntry(
            name,
            DoNotTrack(old),
            DoNotTrack(new),
            Source(source),
            evidence,
            actor,
            time,
            number,
        )
        for number, name, old, new, source, evidence, actor, time in rows
    ]


async def delete_contact(connection: Connection, tenant: int, contact: str) -> int | None:
    """Delete a contact and its preference; return its number, or None."""
    number: int | None = await connection.fetchval(sql.DELETE_CONTACT, tenant, contact)
    return number


async def delete_changes(connection: Connection, tenant: int, contact: str) -> None:
    """Delete a contact's entries in the log of changes."""
    await connection.execute(sql.DELETE_CHANGES, tenant, contact)


async def pseudonymize_changes(
    connection: Connection, tenant: int, contact: str, pseudonym: str
) -> None:
    """Replace a contact's id by a pseudonym in the log of changes."""
    await connection.execute(sql.PSEUDONYMIZE_CHANGES, tenant, contact, pseudonym)
