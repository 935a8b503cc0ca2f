"""Converts preferences to and from the wire."""

from collections.abc import Iterable

from hushpost.v1 import preference_pb2
from hushpost_client._enums import History
from hushpost_client._enums_proto import (
    DO_NOT_TRACK,
    HISTORY,
    MODE,
    PREFERENCE_SOURCE,
    from_timestamp,
)
from hushpost_client._preference_types import (
    BatchOutcome,
    Preference,
    PreferenceChange,
    PreferenceEntry,
)

__all__ = ["batch_outcome", "batch_request", "preference", "preference_change"]


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
        if entry.evidence is not None:
            message.evidence = entry.evidence
    return request


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
    )
