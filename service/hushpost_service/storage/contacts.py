"""Contacts, their preferences, and the log of their changes."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from typing import Any

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
    "insert_contacts",
    "list_changes",
    "lock_contacts",
    "make_known",
    "now",
    "pseudonymize_changes",
    "read_back",
    "update_preferences",
    "vacuum",
]

_VACUUM_SECONDS = 3600
"""Longer than a vacuum of any number of contacts: it waits for nobody but another."""


class Source(IntEnum):
    """How a preference came about. Values as in `hushpost.v1.PreferenceSource`."""

    RECIPIENT = 1
    SENDER = 2
    IMPORT = 3
    IMPORT_EMPTY_CELL = 4


@dataclass(frozen=True, slots=True)
class Contact:
    """A recipient: the tenant's id of it, its number, its preference."""

    contact_id: str
    number: int
    preference: ContactPreference


@dataclass(frozen=True, slots=True)
class ContactsByPreference:
    """Contacts with the same preference: their numbers by the tenant's ids."""

    preference: ContactPreference
    numbers: dict[str, int]


@dataclass(frozen=True, slots=True)
class ChangeEntry:
    """One change of a preference. `number` and `time` are set when it is stored."""

    contact_id: str
    old: DoNotTrack
    new: DoNotTrack
    source: Source
    evidence: str
    actor: str
    time: datetime | None = None
    number: int = 0


async def now(connection: Connection) -> datetime:
    """Return the database's time."""
    moment: datetime = await connection.fetchval(sql.NOW)
    return moment


async def insert_contacts(
    connection: Connection, tenant: int, contact_ids: Iterable[str]
) -> dict[str, int]:
    """Make contacts known, as UNSET; return the numbers by id of those that were not."""
    # Sorted, so that two of these at once cannot deadlock.
    lines = "\n".join(sorted(contact_ids))
    ((names, numbers),) = await connection.fetch(sql.INSERT_CONTACTS, tenant, lines)
    return dict(zip(names or (), numbers or (), strict=True))


async def make_known(
    connection: Connection, tenant: int, contact_ids: Iterable[str]
) -> dict[str, int] | None:
    """Make contacts known, as UNSET; return their numbers by id.

    Cheaper than `insert_contacts`, but does nothing, and returns None, where
    somebody else has made one of them known.
    """
    names = sorted(contact_ids)
    numbers = await connection.fetchval(sql.MAKE_KNOWN, tenant, "\n".join(names))
    return None if numbers is None else dict(zip(names, numbers, strict=True))


async def contacts_by_preference(
    connection: Connection, tenant: int, contact_ids: Iterable[str], since: datetime
) -> list[ContactsByPreference]:
    """Return contacts by how strict they are on messages of a campaign created then.

    Those that do not exist are left out.
    """
    rows = await connection.fetch(sql.CONTACTS_BY_PREFERENCE, tenant, "\n".join(contact_ids), since)
    return [
        ContactsByPreference(
            ContactPreference(_STATES[state], changed, (anonymous, aggregate, off)),
            dict(zip(names, numbers, strict=True)),
        )
        for names, numbers, state, changed, anonymous, aggregate, off in rows
    ]


async def contacts(
    connection: Connection, tenant: int, contact_ids: Sequence[str]
) -> dict[str, Contact]:
    """Return contacts by id; those that do not exist are left out."""
    return _contacts(await connection.fetch(sql.CONTACTS, tenant, contact_ids))


async def lock_contacts(
    connection: Connection, tenant: int, contact_ids: Sequence[str]
) -> dict[str, Contact]:
    """Return contacts, locked for a change of their preferences."""
    return _contacts(await connection.fetch(sql.LOCK_CONTACTS, tenant, contact_ids))


def _contacts(rows: Sequence[Any]) -> dict[str, Contact]:
    return {
        contact_id: Contact(
            contact_id,
            number,
            ContactPreference(_STATES[state], since, (anonymous, aggregate, off)),
        )
        for contact_id, number, state, since, anonymous, aggregate, off in rows
    }


_STATES = {int(state): state for state in DoNotTrack}


async def contact_id(connection: Connection, tenant: int, number: int) -> str | None:
    """Return the id of a contact, or None where it does not exist."""
    found: str | None = await connection.fetchval(sql.CONTACT_ID, tenant, number)
    return found


async def update_preferences(
    connection: Connection,
    tenant: int,
    changed: Sequence[tuple[int, ContactPreference]],
) -> None:
    """Set preferences by contact number."""
    await connection.execute(
        sql.UPDATE_PREFERENCES,
        tenant,
        [number for number, _ in changed],
        [preference.do_not_track for _, preference in changed],
        [preference.since for _, preference in changed],
        *zip(*(preference.floors for _, preference in changed), strict=True),
    )


async def read_back(connection: Connection, tenant: int, numbers: Sequence[int]) -> None:
    """Read contacts as the recorder does, outside of a transaction, for what that leaves."""
    await connection.execute(sql.READ_BACK, tenant, f"{{{str(list(numbers))[1:-1]}}}")


async def vacuum(connection: Connection) -> bool:
    """Vacuum contacts, outside of a transaction; return whether nothing was left over."""
    await connection.execute(sql.VACUUM, timeout=_VACUUM_SECONDS)
    left: int | None = await connection.fetchval(sql.DEAD_ROWS)
    return not left


async def insert_changes(
    connection: Connection,
    tenant: int,
    entries: Sequence[ChangeEntry],
    time: datetime,
) -> None:
    """Write entries of one actor to the change log."""
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


async def list_changes(
    connection: Connection, tenant: int, contact: str | None, after: int, limit: int
) -> list[ChangeEntry]:
    """Return a part of the change log, oldest first, of one contact or of all."""
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
    """Delete a contact with its preference; return its number, or None."""
    number: int | None = await connection.fetchval(sql.DELETE_CONTACT, tenant, contact)
    return number


async def delete_changes(connection: Connection, tenant: int, contact: str) -> None:
    """Delete a contact's entries in the change log."""
    await connection.execute(sql.DELETE_CHANGES, tenant, contact)


async def pseudonymize_changes(
    connection: Connection, tenant: int, contact: str, pseudonym: str
) -> None:
    """Replace a contact's id in the change log."""
    await connection.execute(sql.PSEUDONYMIZE_CHANGES, tenant, contact, pseudonym)
