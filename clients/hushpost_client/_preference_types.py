"""Preferences of contacts and the log of their changes."""

from dataclasses import KW_ONLY, dataclass
from datetime import datetime

from hushpost_client._enums import DoNotTrack, Mode, PreferenceSource

__all__ = ["BatchOutcome", "Preference", "PreferenceChange", "PreferenceEntry"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Preference:
    """A contact's preference and the tracking mode that follows from it.

    A value that this version of the client does not know is None.

    Attributes:
        contact_id: The contact; None if the call named it by a preference token.
        do_not_track: UNSET, FALSE or TRUE.
        mode: The mode of messages sent now, by the tenant's policy.
        update_time: When the preference last changed, UTC; None if it never did.
    """

    contact_id: str | None
    do_not_track: DoNotTrack | None
    mode: Mode | None
    update_time: datetime | None


@dataclass(frozen=True, slots=True)
class PreferenceEntry:
    """One contact of `Preferences.batch_set_preferences`.

    Attributes:
        contact_id: 1 to 128 bytes of UTF-8.
        do_not_track: The preference to set. None creates the contact if it is
            unknown, and leaves its preference as it is.
        source: Where the preference came from; None for SENDER.
        evidence: What proves it, such as a form or ticket id; at most 1,024 bytes.
    """

    contact_id: str
    do_not_track: DoNotTrack | None
    _: KW_ONLY
    source: PreferenceSource | None = None
    evidence: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchOutcome:
    """The result of `Preferences.batch_set_preferences`.

    All counts are 0 when the call repeats an earlier `request_id`.

    Attributes:
        created_count: How many contacts were created.
        changed_count: How many preferences changed.
        loosened_count: How many of them to a less strict value, including UNSET to FALSE
            for created contacts.
        tightened_count: How many of them to a stricter value.
        protected_indexes: Positions of imported entries that were skipped, because they
            would have loosened the recipient's own decision; ascending.
    """

    created_count: int
    changed_count: int
    loosened_count: int
    tightened_count: int
    protected_indexes: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PreferenceChange:
    """An entry of the change log, which proves consent and its withdrawal.

    A value that this version of the client does not know is None.

    Attributes:
        contact_id: The contact; a digest if it was erased with PSEUDONYMIZE.
        old_do_not_track: The preference before.
        new_do_not_track: The preference after.
        source: Where the preference came from.
        evidence: What proves it, as given by the caller; None if nothing was given.
        actor: The id of the API key that made the call.
        change_time: When the change was committed, UTC.
    """

    contact_id: str
    old_do_not_track: DoNotTrack | None
    new_do_not_track: DoNotTrack | None
    source: PreferenceSource | None
    evidence: str | None
    actor: str
    change_time: datetime
