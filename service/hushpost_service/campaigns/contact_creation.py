"""Finds the contacts of messages, and creates those that do not exist."""

from collections.abc import Sequence
from datetime import datetime

from hushpost_service.domain.contact_numbers import ContactNumbers
from hushpost_service.domain.modes import ContactPreference
from hushpost_service.storage import contacts
from hushpost_service.storage.connection import Connection
from hushpost_service.storage.contacts import ContactsByPreference
from hushpost_service.storage.database_kind import DatabaseKind

__all__ = ["get_or_create_contacts"]

_UNDECIDED = ContactPreference()


async def get_or_create_contacts(
    connection: Connection,
    tenant: int,
    contact_ids: Sequence[str],
    since: datetime,
    numbers: ContactNumbers,
    kind: DatabaseKind = DatabaseKind.SINGLE,
) -> tuple[list[ContactsByPreference], list[int]]:
    """Return contacts grouped by preference, and the numbers of those created.

    Args:
        connection: In a transaction.
        tenant: The tenant of the contacts.
        contact_ids: The contacts; the same id may occur several times.
        since: Creation of the campaign. Preference changes before it do not affect the mode.
        numbers: The numbers of contacts to create.
        kind: The kind of the database.
    """
    # Keep the given order, which a set would lose: sorted ids are adjacent in the index.
    missing = list(dict.fromkeys(contact_ids))
    found: list[ContactsByPreference] = []
    created: list[int] = []
    # Repeat for contacts that another call creates in between, for those that are erased
    # again before they can be read, and for those whose new number is taken.
    while missing:
        for group in await contacts.contacts_by_preference(connection, tenant, missing, since):
            found.append(group)
            missing = _without(missing, group.numbers)
        if missing:
            new = None
            # A distributed database loses the SQLSTATE of a conflict, which the function expects.
            if kind is DatabaseKind.SINGLE:
                new = await contacts.try_insert_contacts(connection, tenant, missing, numbers)
                if new is None:
                    numbers.change_range()
            if new is None:
                new = await contacts.insert_missing_contacts(connection, tenant, missing, numbers)
            found.append(ContactsByPreference(_UNDECIDED, new))
            created += new.values()
            missing = _without(missing, new)
            if missing:
                numbers.change_range()
    return found, created


def _without(contact_ids: list[str], found: dict[str, int]) -> list[str]:
    """Return the contact ids that are not in `found`, a subset of them."""
    if len(found) == len(contact_ids):
        return []
    return [contact_id for contact_id in contact_ids if contact_id not in found]
