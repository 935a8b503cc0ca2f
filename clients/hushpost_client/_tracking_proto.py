"""Converts opens, clicks and links to and from the wire."""

from collections.abc import Iterable

from hushpost.v1 import tracking_pb2
from hushpost_client._enums_proto import VERDICT, set_timestamp
from hushpost_client._errors_proto import reason_from_number
from hushpost_client._tracking_types import (
    Event,
    LinkUpdate,
    RecordedEvents,
    RejectedEvent,
    SpoolPublicKey,
    WatchedLink,
)

__all__ = ["events_request", "link_update", "recorded_events", "spool_public_key"]


def events_request(events: Iterable[Event], request_id: str) -> tracking_pb2.RecordEventsRequest:
    """Convert a batch of events.

    Adds messages in place and sets their fields one by one: two to three times as
    fast as constructors with keyword arguments and a nested Timestamp.
    """
    request = tracking_pb2.RecordEventsRequest(request_id=request_id)
    add, verdicts = request.events.add, VERDICT.numbers
    for event in events:
        message = add()
        message.token = event.token
        message.verdict = verdicts[event.verdict]
        if event.link_number is not None:
            message.link_number = event.link_number
        if event.event_time is not None:
            set_timestamp(message.event_time, event.event_time)
        if event.privacy_signal:
            message.privacy_signal = True
        if event.repeated:
            message.repeated = True
    return request


def recorded_events(response: tracking_pb2.RecordEventsResponse) -> RecordedEvents:
    """Convert the result of a batch."""
    return RecordedEvents(
        accepted_count=response.accepted_count,
        rejected=tuple(map(_rejected_event, response.rejected)),
    )


def link_update(response: tracking_pb2.WatchLinksResponse) -> LinkUpdate:
    """Convert a part of the stream of links."""
    return LinkUpdate(
        links=tuple(map(_watched_link, response.links)),
        cursor=response.cursor,
        snapshot_complete=response.snapshot_complete,
    )


def spool_public_key(response: tracking_pb2.GetSpoolPublicKeyResponse) -> SpoolPublicKey:
    """Convert the authority's public key."""
    return SpoolPublicKey(
        key_id=response.key_id,
        public_key=response.public_key,
        tenant_numbers=tuple(response.tenant_numbers),
    )


def _rejected_event(message: tracking_pb2.RejectedEvent) -> RejectedEvent:
    return RejectedEvent(
        index=message.index,
        reason=reason_from_number(message.reason),
        message=message.message,
    )


def _watched_link(message: tracking_pb2.WatchedLink) -> WatchedLink:
    return WatchedLink(
        campaign_number=message.campaign_number,
        link_number=message.link_number,
        url=message.url,
    )
