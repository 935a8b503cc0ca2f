"""Preferences of contacts and the log of their changes."""

from dataclasses import KW_ONLY, dataclass, field
from datetime import datetime

from hushpost_client._branding_types import PageBranding
from hushpost_client._enums import Consent, DoNotTrack, Mode, PreferenceSource

__all__ = [
    "BatchOutcome",
    "DecisionDetails",
    "Preference",
    "PreferenceChange",
    "PreferenceEntry",
    "RecipientView",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class RecipientView:
    """What a preference page tells the recipient besides the preference.

    Attributes:
        sender_name: The tenant's display name; None if it has none.
        opens_decided_by_recipient: Whether the consent to opens is the recipient's own
            decision. Otherwise the sender states it.
        clicks_decided_by_recipient: The same for clicks.
        last_open_recorded: Whether opens set the date of the contact's last open.
        branding: The tenant's part of the page.
    """

    sender_name: str | None
    opens_decided_by_recipient: bool
    clicks_decided_by_recipient: bool
    last_open_recorded: bool
    branding: PageBranding = field(default_factory=PageBranding)


@dataclass(frozen=True, slots=True, kw_only=True)
class Preference:
    """A contact's preference and the tracking modes that follow from it.

    A value that this version of the client does not know is None.

    Attributes:
        contact_id: The contact; None if the call named it by a preference token.
        do_not_track: UNSET, FALSE or TRUE: the stricter of both purposes.
        mode: The mode for campaigns created now, by the tenant's policy: the stricter of
            both purposes.
        update_time: When the preference last changed, UTC; None if it never did.
        opens_consent: The consent to individual tracking of opens.
        clicks_consent: The consent to individual tracking of clicks.
        opens_mode: The mode of opens.
        clicks_mode: The mode of clicks.
        recipient_view: What a preference page says besides; None if the call did not name the
            contact by a preference token.
    """

    contact_id: str | None
    do_not_track: DoNotTrack | None
    mode: Mode | None
    update_time: datetime | None
    opens_consent: Consent | None
    clicks_consent: Consent | None
    opens_mode: Mode | None
    clicks_mode: Mode | None
    recipient_view: RecipientView | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionDetails:
    """How a decision was made, for the log of changes.

    Attributes:
        source_id: The form, double opt-in, call or ticket; at most 256 bytes.
        wording_version: The version of the wording that the recipient saw; at most 64
            bytes.
        wording_language: Its language, as a BCP 47 tag such as "fr" or "it-CH".
        decision_time: When the recipient decided, with a time zone; not in the future. The
            log keeps it next to the time of recording.
    """

    source_id: str | None = None
    wording_version: str | None = None
    wording_language: str | None = None
    decision_time: datetime | None = None


@dataclass(frozen=True, slots=True)
class PreferenceEntry:
    """One contact of `Preferences.batch_set_preferences`.

    Attributes:
        contact_id: 1 to 128 bytes of UTF-8.
        do_not_track: The preference to set, for both purposes. Without it and without
            consent, the contact is created if it is unknown, and its preference stays as it
            is.
        opens_consent: The consent to opens to set; None leaves it as it is. Not with
            `do_not_track`.
        clicks_consent: The consent to clicks to set; None leaves it as it is. Not with
            `do_not_track`.
        source: Where the preference came from; None for SENDER.
        evidence: What proves it, such as a form or ticket id; at most 1,024 bytes.
        details: How the decision was made.
    """

    contact_id: str
    do_not_track: DoNotTrack | None = None
    _: KW_ONLY
    opens_consent: Consent | None = None
    clicks_consent: Consent | None = None
    source: PreferenceSource | None = None
    evidence: str | None = None
    details: DecisionDetails | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchOutcome:
    """The result of `Preferences.batch_set_preferences`.

    All counts are 0 when the call repeats an earlier `request_id`.

    Attributes:
        created_count: How many contacts were created.
        changed_count: How many preferences changed.
        loosened_count: How many of them to a less strict value for at least one purpose,
            including UNKNOWN to GRANTED for created contacts.
        tightened_count: How many of them to a stricter value for at least one purpose.
        protected_indexes: Positions of imported entries that were skipped for a purpose,
            because they would have loosened the recipient's own decision; ascending.
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
        old_opens_consent: The consent to opens before.
        new_opens_consent: The consent to opens after.
        old_clicks_consent: The consent to clicks before.
        new_clicks_consent: The consent to clicks after.
        opens_decided: Whether the call set the consent to opens, if only to the value that
            it had.
        clicks_decided: The same for clicks.
        details: How the decision was made, as given by the caller.
        change_number: Identifies the change in the tenant's log; ascending, with gaps.
    """

    contact_id: str
    old_do_not_track: DoNotTrack | None
    new_do_not_track: DoNotTrack | None
    source: PreferenceSource | None
    evidence: str | None
    actor: str
    change_time: datetime
    old_opens_consent: Consent | None
    new_opens_consent: Consent | None
    old_clicks_consent: Consent | None
    new_clicks_consent: Consent | None
    opens_decided: bool
    clicks_decided: bool
    details: DecisionDetails
    change_number: int
