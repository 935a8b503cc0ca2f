"""Protects the decisions that recipients made in person from imports.

A file of contacts is older than the decisions made since it was written. An import may
therefore tighten a preference, but not set one that is less strict than the recipient's own
decision: the latest logged one whose source is RECIPIENT, unless a later one of the SENDER
replaced it. What earlier imports did in between has no effect on that.
"""

from collections.abc import Mapping

from hushpost_service.domain.modes import DoNotTrack
from hushpost_service.preferences.entries import PreferenceEntry
from hushpost_service.storage import contacts as storage
from hushpost_service.storage.connection import Connection
from hushpost_service.storage.contacts import Contact, Source

__all__ = ["confirmations", "protected_contacts"]

_IMPORTS = (Source.IMPORT, Source.IMPORT_EMPTY_CELL)


async def protected_contacts(
    connection: Connection,
    tenant: int,
    entries: Mapping[str, PreferenceEntry],
    contacts: Mapping[str, Contact],
    *,
    overrule: bool,
) -> set[str]:
    """Return the ids of contacts whose entry would loosen the recipient's own decision.

    Args:
        connection: A connection; to rely on the result, lock the contacts in its transaction.
        tenant: The tenant of the contacts.
        entries: The entries by contact id. Only those with the source of an import matter.
        contacts: The contacts that exist, by id.
        overrule: Whether to protect none.
    """
    if overrule:
        return set()
    wanted = {
        contact_id: entry.do_not_track
        for contact_id, entry in entries.items()
        if entry.source in _IMPORTS
        and entry.do_not_track is not None
        and contact_id in contacts
        and contacts[contact_id].preference.since is not None
        and entry.do_not_track.is_looser_than(contacts[contact_id].preference.do_not_track)
    }
    if not wanted:
        return set()
    decisions = await storage.last_decisions(connection, tenant, list(wanted))
    return {
        contact_id
        for contact_id, (source, decision) in decisions.items()
        if source is Source.RECIPIENT and wanted[contact_id].is_looser_than(decision)
    }


async def confirmations(
    connection: Connection,
    tenant: int,
    entries: Mapping[str, PreferenceEntry],
    contacts: Mapping[str, Contact],
) -> list[Contact]:
    """Return the contacts whose recipient confirms in person what others had set.

    Their preference does not change, but the log must show the decision. UNSET is none.
    """
    confirmed = [
        contact_id
        for contact_id, entry in entries.items()
        if entry.source is Source.RECIPIENT
        and entry.do_not_track is not DoNotTrack.UNSET
        and entry.do_not_track is contacts[contact_id].preference.do_not_track
    ]
    if not confirmed:
        return []
    decisions = await storage.last_decisions(connection, tenant, confirmed)
    return [
        contacts[contact_id]
        for contact_id in confirmed
        if decisions.get(contact_id)
        != (Source.RECIPIENT, contacts[contact_id].preference.do_not_track)
    ]
