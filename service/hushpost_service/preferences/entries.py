"""Preferences to set, and the result of setting them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from hushpost_service.domain.modes import DoNotTrack
from hushpost_service.domain.validation import checked_batch, checked_contact_id, checked_text
from hushpost_service.storage.contacts import Source

__all__ = ["PreferenceEntry", "SetOutcome", "last_entries", "positions"]


class PreferenceEntry(NamedTuple):
    """A preference to set. If `do_not_track` is None, the contact is created if missing."""

    contact_id: str
    do_not_track: DoNotTrack | None
    source: Source
    evidence: str


@dataclass(frozen=True, slots=True)
class SetOutcome:
    """The result of setting preferences.

    Attributes:
        created: The number of contacts created.
        loosened: The number of preferences that changed to a less strict one.
        tightened: The number of preferences that changed to a stricter one.
        protected: The positions of entries that were skipped, because they would have
            loosened a decision that the recipient made in person; ascending.
    """

    created: int
    loosened: int
    tightened: int
    protected: tuple[int, ...] = ()

    @property
    def changed(self) -> int:
        """The number of preferences that changed."""
        return self.loosened + self.tightened


def last_entries(entries: Sequence[PreferenceEntry]) -> dict[str, PreferenceEntry]:
    """Return the last entry of each contact, by contact id.

    Raises BATCH_EMPTY, BATCH_TOO_LARGE, CONTACT_ID_INVALID, FIELD_INVALID.
    """
    checked_batch(entries, "entries")
    for index, entry in enumerate(entries):
        checked_contact_id(entry.contact_id, index)
        checked_text(entry.evidence, "evidence", 1024)
    return {entry.contact_id: entry for entry in entries}


def positions(entries: Sequence[PreferenceEntry], contact_ids: set[str]) -> tuple[int, ...]:
    """Return the positions of the contacts' last entries, ascending."""
    if not contact_ids:
        return ()
    last = {entry.contact_id: position for position, entry in enumerate(entries)}
    return tuple(sorted(last[contact_id] for contact_id in contact_ids))
