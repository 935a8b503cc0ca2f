"""Recipients' preferences and the proof of them."""

from dataclasses import dataclass
from datetime import datetime

from hushpost_client._words import DoNotTrack, Mode, PreferenceSource

__all__ = ["BatchOutcome", "Preference", "PreferenceChange", "PreferenceEntry"]


@dataclass(frozen=True, slots=True)
class Preference:
    """A contact's preference and what follows from it.

    Attributes:
        contact_id: Empty where the call named the contact by a preference token.
        do_not_track: UNSET, FALSE or TRUE.
        mode: The mode of campaigns created now, by the tenant's policy.
        update_time: When it was last changed, UTC; None if it never was.
    """

    contact_id: str
    do_not_track: DoNotTrack
    mode: Mode
    update_time: datetime | None


@dataclass(frozen=True, slots=True)
class PreferenceEntry:
    """One contact of a batch.

    Attributes:
        contact_id: 1 to 128 bytes of UTF-8.
        do_not_track: UNSPECIFIED leaves the preference as it is and makes the
            contact known.
        source: How it came about.
        evidence: What proves it, in the sender's words. At most 1,024 bytes.
    """

    contact_id: str
    do_not_track: DoNotTrack
    source: PreferenceSource = PreferenceSource.UNSPECIFIED
    evidence: str = ""


@dataclass(frozen=True, slots=True)
class BatchOutcome:
    """What a batch of preferences changed.

    Attributes:
        created_count: How many contacts were not known before.
        changed_count: How many preferences changed.
    """

    created_count: int
    changed_count: int


@dataclass(frozen=True, slots=True)
class PreferenceChange:
    """One change of a preference: an entry of the proof.

    Attributes:
        contact_id: A digest where the contact was erased with PSEUDONYMIZE.
        old_do_not_track: What it was.
        new_do_not_track: What it became.
        source: How it came about.
        evidence: What proves it, as given.
        actor: The id of the API key that made the call.
        change_time: When it was committed, UTC.
    """

    contact_id: str
    old_do_not_track: DoNotTrack
    new_do_not_track: DoNotTrack
    source: PreferenceSource
    evidence: str
    actor: str
    change_time: datetime
