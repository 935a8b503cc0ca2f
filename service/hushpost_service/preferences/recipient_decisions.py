"""Protects the decisions that recipients made in person from imports.

A file of contacts is older than the decisions made since it was written. An import may
therefore tighten a preference, but not set one that is less strict than the recipient's own
decision on the same purpose: the latest logged one whose source is RECIPIENT, unless a later
change by the SENDER replaced it. What earlier imports did in between has no effect on that.
"""

from collections.abc import Mapping

from hushpost_service.domain.consent import ByPurpose, Consent
from hushpost_service.preferences.entries import PreferenceEntry
from hushpost_service.storage import preference_log
from hushpost_service.storage.connection import Connection
from hushpost_service.storage.contacts import Contact
from hushpost_service.storage.preference_log import Decision, Source

__all__ = ["confirmations", "consents_after", "protected_purposes"]

_IMPORTS = (Source.IMPORT, Source.IMPORT_EMPTY_CELL)


async def protected_purposes(
    connection: Connection,
    tenant: int,
    entries: Mapping[str, PreferenceEntry],
    contacts: Mapping[str, Contact],
    *,
    overrule: bool,
) -> dict[str, ByPurpose[bool]]:
    """Return the purposes for which an entry would loosen the recipient's own decision.

    Args:
        connection: A connection; to rely on the result, lock the contacts in its transaction.
        tenant: The tenant of the contacts.
        entries: The entries by contact id. Only those with the source of an import matter.
        contacts: The contacts that exist, by id.
        overrule: Whether to protect none.

    Returns the purposes by contact id, only of contacts with such a purpose.
    """
    loosening = [
        contact_id
        for contact_id, contact in contacts.items()
        if entries[contact_id].source in _IMPORTS
        and contact.preference.since is not None
        and any(_loosened(entries[contact_id], contact))
    ]
    if overrule or not loosening:
        return {}
    decisions = await preference_log.last_decisions(connection, tenant, loosening)
    protected = {
        contact_id: _protected(entries[contact_id], contacts[contact_id], decisions[contact_id])
        for contact_id in loosening
    }
    return {contact_id: purposes for contact_id, purposes in protected.items() if any(purposes)}


def consents_after(
    entry: PreferenceEntry, before: ByPurpose[Consent], protected: ByPurpose[bool] | None
) -> ByPurpose[Consent]:
    """Return the consents after an entry has been set, except for protected purposes."""
    after = entry.applied_to(before)
    if protected is None:
        return after
    return ByPurpose(
        *(old if keep else new for old, new, keep in zip(before, after, protected, strict=True))
    )


async def confirmations(
    connection: Connection,
    tenant: int,
    entries: Mapping[str, PreferenceEntry],
    contacts: Mapping[str, Contact],
) -> set[str]:
    """Return the ids of contacts whose recipient confirms in person what others had set.

    Their preference does not change, but the log must show the decision. UNKNOWN is none.
    """
    unchanged = [
        contact_id
        for contact_id, entry in entries.items()
        if entry.source is Source.RECIPIENT
        and entry.applied_to(contacts[contact_id].preference.consents)
        == contacts[contact_id].preference.consents
    ]
    if not unchanged:
        return set()
    decisions = await preference_log.last_decisions(connection, tenant, unchanged)
    return {
        contact_id
        for contact_id in unchanged
        if _confirms(entries[contact_id], contacts[contact_id], decisions[contact_id])
    }


def _loosened(entry: PreferenceEntry, contact: Contact) -> ByPurpose[bool]:
    """Return for which purposes an entry would loosen the current consent."""
    before = contact.preference.consents
    after = entry.applied_to(before)
    return ByPurpose(*(new.is_looser_than(old) for new, old in zip(after, before, strict=True)))


def _protected(
    entry: PreferenceEntry, contact: Contact, decisions: ByPurpose[Decision | None]
) -> ByPurpose[bool]:
    after = entry.applied_to(contact.preference.consents)
    return ByPurpose(
        *(
            is_looser
            and decision is not None
            and decision.source is Source.RECIPIENT
            and new.is_looser_than(decision.consent)
            for is_looser, decision, new in zip(
                _loosened(entry, contact), decisions, after, strict=True
            )
        )
    )


def _confirms(
    entry: PreferenceEntry, contact: Contact, decisions: ByPurpose[Decision | None]
) -> bool:
    return any(
        is_decided
        and consent is not Consent.UNKNOWN
        and decision != Decision(Source.RECIPIENT, consent)
        for is_decided, consent, decision in zip(
            entry.decided, contact.preference.consents, decisions, strict=True
        )
    )
