"""Creates missing contacts, and locks contacts for a change of their preferences."""

from collections.abc import Collection

from hushpost_service.domain.contact_numbers import ContactNumbers
from hushpost_service.storage import contacts as storage
from hushpost_service.storage.connection import Connection
from hushpost_service.storage.contacts import Contact

__all__ = ["create_and_lock_contacts"]


async def create_and_lock_contacts(
    connection: Connection, tenant: int, contact_ids: Collection[str], numbers: ContactNumbers
) -> tuple[set[str], dict[str, Contact]]:
    """Create missing contacts and lock all; return the ids of those created, and all by id."""
    created: set[str] = set()
    locked: dict[str, Contact] = {}
    # Repeat for contacts that another call erases between the two statements, and for those
    # whose new number is taken.
    while missing := [contact_id for contact_id in contact_ids if contact_id not in locked]:
        new = await storage.insert_missing_contacts(connection, tenant, missing, numbers)
        created.update(new)
        found = await storage.lock_contacts(connection, tenant, missing)
        locked |= found
        if len(found) < len(missing):
            numbers.change_range()
    return created, locked
