"""Converts preferences to and from the wire."""

from collections.abc import Iterable
from dataclasses import replace

from hushpost.v1 import preference_pb2
from hushpost_client._branding_proto import page_branding
from hushpost_client._enums import History
from hushpost_client._enums_proto import (
    CONSENT,
    DO_NOT_TRACK,
    HISTORY,
    MODE,
    PREFERENCE_SOURCE,
    from_timestamp,
    set_timestamp,
)
from hushpost_client._preference_types import (
    BatchOutcome,
    DecisionDetails,
    Preference,
    PreferenceChange,
    PreferenceEntry,
    RecipientView,
)

__all__ = [
    "batch_outcome",
    "batch_request",
    "preference",
    "preference_change",
    "preference_of_response",
    "set_details",
]


def batch_request(
    entries: Iterable[PreferenceEntry],
    history: History | None,
    tenant_id: str | None,
    request_id: str,
) -> preference_pb2.BatchSetPreferencesRequest:
    """Convert a batch; see `_tracking_proto.events_request` for why fields are set one by one."""
    request = preference_pb2.BatchSetPreferencesRequest(
        tenant_id=tenant_id or "", history=HISTORY.to_wire(history), request_id=request_id
    )
    add = request.entries.add
    for entry in entries:
        message = add()
        message.contact_id = entry.contact_id
        message.do_not_track = DO_NOT_TRACK.numbers[entry.do_not_track]
        message.source = PREFERENCE_SOURCE.numbers[entry.source]
        if entry.opens_consent is not None:
            message.opens_consent = CONSENT.numbers[entry.opens_consent]
        if entry.clicks_consent is not None:
            message.clicks_consent = CONSENT.numbers[entry.clicks_consent]
        if entry.evidence is not None:
            message.evidence = entry.evidence
        if entry.details is not None:
            set_details(message, entry.details)
    return request


def set_details(
    message: preference_pb2.SetPreferenceRequest | preference_pb2.PreferenceEntry,
    details: DecisionDetails,
) -> None:
    """Write how a decision was made into a message.

    Raises:
        ValueError: if the time has no time zone.
    """
    message.details.source_id = details.source_id or ""
    message.details.wording_version = details.wording_version or ""
    message.details.wording_language = details.wording_language or ""
    if details.decision_time is not None:
        set_timestamp(message.details.decision_time, details.decision_time)


def batch_outcome(response: preference_pb2.BatchSetPreferencesResponse) -> BatchOutcome:
    """Convert the result of a batch."""
    return BatchOutcome(
        created_count=response.created_count,
        changed_count=response.changed_count,
        loosened_count=response.loosened_count,
        tightened_count=response.tightened_count,
        protected_indexes=tuple(response.protected_indexes),
    )


def preference(message: preference_pb2.Preference) -> Preference:
    """Convert a preference."""
    return Preference(
        contact_id=message.contact_id or None,
        do_not_track=DO_NOT_TRACK.from_wire(message.do_not_track),
        mode=MODE.from_wire(message.mode),
        update_time=from_timestamp(message.update_time)
        if message.HasField("update_time")
        else None,
        opens_consent=CONSENT.from_wire(message.opens_consent),
        clicks_consent=CONSENT.from_wire(message.clicks_consent),
        opens_mode=MODE.from_wire(message.opens_mode),
        clicks_mode=MODE.from_wire(message.clicks_mode),
    )


def preference_of_response(
    response: preference_pb2.GetPreferenceResponse | preference_pb2.SetPreferenceResponse,
) -> Preference:
    """Convert a preference with what a preference page says besides."""
    found = preference(response.preference)
    if not response.HasField("recipient_view"):
        return found
    view = response.recipient_view
    return replace(
        found,
        recipient_view=RecipientView(
            sender_name=view.sender_name or None,
            opens_decided_by_recipient=view.opens_decided_by_recipient,
            clicks_decided_by_recipient=view.clicks_decided_by_recipient,
            last_open_recorded=view.last_open_recorded,
            branding=page_branding(view.branding),
        ),
    )


def preference_change(message: preference_pb2.PreferenceChange) -> PreferenceChange:
    """Convert an entry of the change log."""
    return PreferenceChange(
        contact_id=message.contact_id,
        old_do_not_track=DO_NOT_TRACK.from_wire(message.old_do_not_track),
        new_do_not_track=DO_NOT_TRACK.from_wire(message.new_do_not_track),
        source=PREFERENCE_SOURCE.from_wire(message.source),
        evidence=message.evidence or None,
        actor=message.actor,
        change_time=from_timestamp(message.change_time),
        old_opens_consent=CONSENT.from_wire(message.old_opens_consent),
        new_opens_consent=CONSENT.from_wire(message.new_opens_consent),
        old_clicks_consent=CONSENT.from_wire(message.old_clicks_consent),
        new_clicks_consent=CONSENT.from_wire(message.new_clicks_consent),
        opens_decided=message.opens_decided,
        clicks_decided=message.clicks_decided,
        details=_details(message.details),
        change_number=message.change_number,
    )


def _details(message: preference_pb2.DecisionDetails) -> DecisionDetails:
    return DecisionDetails(
        source_id=message.source_id or None,
        wording_version=message.wording_version or None,
        wording_language=message.wording_language or None,
        decision_time=from_timestamp(message.decision_time)
        if message.HasField("decision_time")
        else None,
    )
