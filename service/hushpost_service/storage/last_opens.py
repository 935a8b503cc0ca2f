"""Queries about the dates of last opens. See `Policy.record_last_opens`."""

from collections.abc import Mapping, Sequence
from datetime import date

from hushpost_service.storage.connection import Connection
from hushpost_service.storage.scanned_page import MAX_SCANNED, ScannedPage, scanned_page
from hushpost_service.storage.sql import last_opens as sql

__all__ = [
    "delete_all_last_opens",
    "delete_last_opens",
    "insert_last_opens",
    "list_inactive_contacts",
    "set_last_opens",
]


async def insert_last_opens(
    connection: Connection, tenant: int, contacts: Sequence[int], today: date
) -> None:
    """Insert rows of contacts that got their first message today. Call `share_recording` first.

    Contacts that have a row already, and those that decided in the meantime, are left out.
    """
    await connection.execute(sql.INSERT_LAST_OPENS, tenant, contacts, today)


async def set_last_opens(connection: Connection, tenant: int, dates: Mapping[int, date]) -> None:
    """Set the dates of last opens of contacts that have a row, unless they are as late already."""
    contacts = sorted(dates)
    await connection.execute(
        sql.SET_LAST_OPENS, tenant, contacts, [dates[contact] for contact in contacts]
    )


async def delete_last_opens(connection: Connection, tenant: int, contacts: Sequence[int]) -> None:
    """Delete the rows of contacts. Call `recording.lock_recording` first."""
    await connection.execute(sql.DELETE_LAST_OPENS, tenant, contacts)


async def delete_all_last_opens(connection: Connection, tenant: int) -> None:
    """Delete the rows of all contacts. Call `recording.lock_recording` first."""
    await connection.execute(sql.DELETE_ALL_LAST_OPENS, tenant)


async def list_inactive_contacts(
    connection: Connection, tenant: int, before: date, after: int, limit: int
) -> ScannedPage[str, int]:
    """Return a page of the ids of inactive contacts with numbers greater than `after`.

    Args:
        connection: A database connection.
        tenant: The tenant.
        before: The contacts' first message and their last open were before this day.
        after: The position of the page; 0 for the first.
        limit: The maximum number of contacts.
    """
    rows = await connection.fetch(
        sql.LIST_INACTIVE_CONTACTS, tenant, after, MAX_SCANNED, before, limit + 1
    )
    return scanned_page(rows, limit, lambda _, contact_id: str(contact_id))
