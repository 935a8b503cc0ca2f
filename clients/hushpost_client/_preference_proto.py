"""Preferences as they are on the wire."""

from collections.abc import Iterable

from hushpost.v1 import preference_pb2
from hushpost_client._preference_types import (
    Preference,
    PreferenceChange,
    PreferenceEntry,
)
from hushpost_client._words import History
from hushpost_client._words_proto import (
    DO_NOT_TRACK,
    HISTORY,
    MODE,
    PREFERENCE_SOURCE,
    from_timestamp,
)

__all__ = ["batch_request", "preference", "preference_change"]


def batch_request(
    entries: Iterable[PreferenceEntry],
    history: History,
    tenant_id: str,
    request_id: str,
) -> preference_pb2.BatchSetPreferencesRequest:
    """Convert a batch, in place as batches of events are."""
    request = preference_pb2.BatchSetPreferencesRequest(
        tenant_id=tenant_id, history=HISTORY.number(history), request_id=request_id
    )
    add = request.entries.add
    for entry in entries:
        message = add()
        message.contact_id = entry.contact_id
        message.do_not_track = DO_NOT_TRACK.numbers[entry.do_not_track]
        message.source = PREFERENCE_SOURCE.numbers[entry.source]
        message.evidence = entry.evidence
    return request


def preference(message: preference_pb2.Preference) -> Preference:
    """Convert a preference."""
    return Preference(
        message.contact_id,
        DO_NOT_TRACK.word(message.do_not_track),
        MODE.word(message.mode),
        from_timestamp(message.update_time) if message.HasField("update_time") else None,
    )


def preference_change(message: preference_pb2.PreferenceChange) -> PreferenceChange:
    """Convert an entry of the change log."""
    return PreferenceChange(
        message.contact_id,
        DO_NOT_TRACK.word(message.old_do_not_track),
        DO_NOT_TRACK.word(message.new_do_not_track),
        PREFERENCE_SOURCE.word(message.source),
        message.evidence,
        message.actor,
        from_timestamp(message.change_time),
    )
