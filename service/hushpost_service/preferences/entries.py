"""Preferences to set, and the result of setting them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from hushpost_service.domain.consent import ByPurpose, Consent, DoNotTrack
from hushpost_service.domain.validation import (
    checked_batch,
    checked_contact_id,
    checked_language,
    checked_past,
    checked_text,
    converted,
)
from hushpost_service.storage.preference_log import NO_DETAILS, DecisionDetails, Source

__all__ = ["PreferenceEntry", "SetOutcome", "last_entries", "positions"]


class PreferenceEntry(NamedTuple):
    """A preference to set.

    Attributes:
        contact_id: The contact, which is created if missing.
        consents: What to set: for both purposes, or for each (None leaves it as it is). None
            only creates the contact.
        source: The origin.
        evidence: In the sender's words.
        details: How the decision was made.
    """

    contact_id: str
    consents: DoNotTrack | ByPurpose[Consent | None] | None
    source: Source
    evidence: str = ""
    details: DecisionDetails = NO_DETAILS

    @property
    def decided(self) -> ByPurpose[bool]:
        """Whether it sets the consent, by purpose."""
        if isinstance(self.consents, DoNotTrack):
            return ByPurpose(opens=True, clicks=True)
        if self.consents is None:
            return ByPurpose(opens=False, clicks=False)
        return ByPurpose(*(consent is not None for consent in self.consents))

    def applied_to(self, consents: ByPurpose[Consent]) -> ByPurpose[Consent]:
        """Return the consents after this has been set."""
        if isinstance(self.consents, DoNotTrack):
            return self.consents.applied_to(consents)
        given = self.consents or (None, None)
        return ByPurpose(*(new or old for new, old in zip(given, consents, strict=True)))

    def content(self) -> list[object]:
        """Return what distinguishes a request with this entry, as JSON values."""
        *texts, decided = self.details
        microseconds = decided and decided.isoformat()
        return [self.contact_id, self.consents, self.source, self.evidence, *texts, microseconds]


@dataclass(frozen=True, slots=True)
class SetOutcome:
    """The result of setting preferences.

    Attributes:
        created: The number of contacts created.
        changed: The number of preferences that changed.
        loosened: The number of those that became less strict for a purpose.
        tightened: The number of those that became stricter for a purpose.
        protected: The positions of entries that were skipped for a purpose, because they
            would have loosened a decision that the recipient made in person; ascending.
    """

    created: int
    changed: int
    loosened: int
    tightened: int
    protected: tuple[int, ...] = ()

    @classmethod
    def of(
        cls, created: int, changes: Sequence[tuple[ByPurpose[Consent], ByPurpose[Consent]]]
    ) -> "SetOutcome":
        """Return the result of changes, given as the consents before and after."""
        return cls(
            created,
            len(changes),
            sum(_is_looser(after, before) for before, after in changes),
            sum(_is_looser(before, after) for before, after in changes),
        )


def last_entries(
    entries: Sequence[PreferenceEntry], now: datetime, *, is_batch: bool
) -> dict[str, PreferenceEntry]:
    """Return the last entry of each contact, by contact id.

    Raises BATCH_EMPTY, BATCH_TOO_LARGE, CONTACT_ID_INVALID, FIELD_INVALID; for a batch, the
    last two have the entry's index.
    """
    checked_batch(entries, "entries")

    def check(entry: PreferenceEntry) -> None:
        checked_contact_id(entry.contact_id)
        checked_text(entry.evidence, "evidence", 1024)
        if entry.details != NO_DETAILS:
            _check_details(entry.details, now)

    if is_batch:
        converted(entries, check)
    else:
        check(*entries)
    return {entry.contact_id: entry for entry in entries}


def positions(entries: Sequence[PreferenceEntry], contact_ids: set[str]) -> tuple[int, ...]:
    """Return the positions of the contacts' last entries, ascending."""
    if not contact_ids:
        return ()
    last = {entry.contact_id: position for position, entry in enumerate(entries)}
    return tuple(sorted(last[contact_id] for contact_id in contact_ids))


def _check_details(details: DecisionDetails, now: datetime) -> None:
    checked_text(details.source_id, "details.source_id", 256)
    checked_text(details.wording_version, "details.wording_version", 64)
    checked_language(details.wording_language, "details.wording_language")
    checked_past(details.decision_time, "details.decision_time", now)


def _is_looser(one: ByPurpose[Consent], other: ByPurpose[Consent]) -> bool:
    """Return whether consents are less strict than others for a purpose."""
    return any(new.is_looser_than(old) for new, old in zip(one, other, strict=True))
