"""Converts preferences, their changes and filters to and from messages."""

from collections.abc import Sequence

from hushpost.v1 import preference_pb2 as pb
from hushpost_service.domain.consent import ByPurpose, Consent, DoNotTrack
from hushpost_service.domain.errors import HushpostError, Reason
from hushpost_service.preferences.reading import EffectivePreference, RecipientView
from hushpost_service.rpc.branding_conversion import branding_message
from hushpost_service.rpc.convert import (
    enum_member,
    enum_number,
    optional_enum_member,
    optional_time,
    timestamp,
)
from hushpost_service.storage.contacts import ContactFilter
from hushpost_service.storage.preference_log import NO_DETAILS, DecisionDetails, RecordedChange

__all__ = [
    "change_message",
    "contact_filter",
    "details",
    "given_consents",
    "preference_message",
    "recipient_view_message",
]


def given_consents(
    message: pb.SetPreferenceRequest | pb.PreferenceEntry,
) -> DoNotTrack | ByPurpose[Consent | None] | None:
    """Return what a message sets; None for nothing.

    Raises FIELD_INVALID, also if it has both `do_not_track` and consent by purpose.
    """
    do_not_track = optional_enum_member(DoNotTrack, message.do_not_track, "do_not_track")
    if not (message.opens_consent or message.clicks_consent):
        return do_not_track
    if do_not_track is not None:
        raise HushpostError(
            Reason.FIELD_INVALID,
            "do_not_track must be unset if consent is given by purpose",
            {"field": "do_not_track"},
        )
    return ByPurpose(
        optional_enum_member(Consent, message.opens_consent, "opens_consent"),
        optional_enum_member(Consent, message.clicks_consent, "clicks_consent"),
    )


def details(message: pb.SetPreferenceRequest | pb.PreferenceEntry) -> DecisionDetails:
    """Return how a decision was made. Raises FIELD_INVALID."""
    if not message.HasField("details"):
        return NO_DETAILS
    given = message.details
    return DecisionDetails(
        given.source_id,
        given.wording_version,
        given.wording_language,
        optional_time(given, "decision_time", "details.decision_time"),
    )


def contact_filter(request: pb.ListContactsRequest) -> ContactFilter:
    """Return which contacts a request lists. Raises FIELD_INVALID."""
    return ContactFilter(
        opens_consents=_consents(request.opens_consents, "opens_consents"),
        clicks_consents=_consents(request.clicks_consents, "clicks_consents"),
        decided_before=optional_time(request, "decided_before"),
        never_decided=request.never_decided,
    )


def preference_message(preference: EffectivePreference, *, with_id: bool = True) -> pb.Preference:
    """Return a preference as a message, without the contact if a token identified it."""
    return pb.Preference(
        contact_id=preference.contact_id if with_id else "",
        do_not_track=enum_number(preference.do_not_track),
        mode=enum_number(preference.mode),
        update_time=timestamp(preference.since),
        opens_consent=enum_number(preference.consents.opens),
        clicks_consent=enum_number(preference.consents.clicks),
        opens_mode=enum_number(preference.modes.opens),
        clicks_mode=enum_number(preference.modes.clicks),
    )


def recipient_view_message(view: RecipientView) -> pb.RecipientView:
    """Return what a preference page says besides the preference, as a message."""
    return pb.RecipientView(
        sender_name=view.sender_name,
        opens_decided_by_recipient=view.decided_by_recipient.opens,
        clicks_decided_by_recipient=view.decided_by_recipient.clicks,
        last_open_recorded=view.last_open_recorded,
        branding=branding_message(view.branding),
    )


def change_message(recorded: RecordedChange) -> pb.PreferenceChange:
    """Return a change of the log as a message."""
    change = recorded.change
    return pb.PreferenceChange(
        contact_id=change.contact_id,
        old_do_not_track=enum_number(DoNotTrack.of(change.old)),
        new_do_not_track=enum_number(DoNotTrack.of(change.new)),
        source=enum_number(change.source),
        evidence=change.evidence,
        actor=recorded.actor,
        change_time=timestamp(recorded.time),
        old_opens_consent=enum_number(change.old.opens),
        new_opens_consent=enum_number(change.new.opens),
        old_clicks_consent=enum_number(change.old.clicks),
        new_clicks_consent=enum_number(change.new.clicks),
        details=_details_message(change.details),
        change_number=recorded.number,
        opens_decided=change.decided.opens,
        clicks_decided=change.decided.clicks,
    )


def _consents(numbers: Sequence[int], field: str) -> list[Consent] | None:
    """Return the consents of a filter; None for any. Raises FIELD_INVALID."""
    return [enum_member(Consent, number, field) for number in set(numbers)] or None


def _details_message(given: DecisionDetails) -> pb.DecisionDetails | None:
    if given == NO_DETAILS:
        return None
    return pb.DecisionDetails(
        source_id=given.source_id,
        wording_version=given.wording_version,
        wording_language=given.wording_language,
        decision_time=timestamp(given.decision_time),
    )
