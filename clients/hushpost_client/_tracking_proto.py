"""Opens, clicks and links as they are on the wire."""

from collections.abc import Iterable

from hushpost.v1 import tracking_pb2
from hushpost_client._errors_proto import reason_from_number
from hushpost_client._tracking_types import (
    Event,
    LinkUpdate,
    RecordedEvents,
    RejectedEvent,
    WatchedLink,
)
from hushpost_client._words_proto import VERDICT, set_timestamp

__all__ = [
    "click_request",
    "events_request",
    "link_update",
    "open_request",
    "recorded_events",
]


def open_request(event: Event, request_id: str) -> tracking_pb2.RecordOpenRequest:
    """Convert an open."""
    request = tracking_pb2.RecordOpenRequest(
        token=event.token,
        verdict=VERDICT.number(event.verdict),
        privacy_signal=event.privacy_signal,
        request_id=request_id,
    )
    if event.event_time is not None:
        set_timestamp(request.open_time, event.event_time)
    return request


def click_request(event: Event, request_id: str) -> tracking_pb2.RecordClickRequest:
    """Convert a click."""
    request = tracking_pb2.RecordClickRequest(
        token=event.token,
        link_number=event.link_number,
        verdict=VERDICT.number(event.verdict),
        privacy_signal=event.privacy_signal,
        request_id=request_id,
    )
    if event.event_time is not None:
        set_timestamp(request.click_time, event.event_time)
    return request


def events_request(events: Iterable[Event], request_id: str) -> tracking_pb2.RecordEventsRequest:
    """Convert a batch.

    Messages are made in place and fields are assigned one by one: with keyword
    arguments and a nested Timestamp it takes two to three times as long.
    """
    request = tracking_pb2.RecordEventsRequest(request_id=request_id)
    add, verdicts = request.events.add, VERDICT.numbers
    for event in events:
        message = add()
        message.token = event.token
        message.link_number = event.link_number
        message.verdict = verdicts[event.verdict]
        if event.event_time is not None:
            set_timestamp(message.event_time, event.event_time)
        if event.privacy_signal:
            message.privacy_signal = True
    return request


def recorded_events(answer: tracking_pb2.RecordEventsResponse) -> RecordedEvents:
    """Convert what became of a batch."""
    rejected = (
        RejectedEvent(item.index, reason_from_number(item.reason), item.message)
        for item in answer.rejected
    )
    return RecordedEvents(answer.accepted_count, tuple(rejected))


def link_update(answer: tracking_pb2.WatchLinksResponse) -> LinkUpdate:
    """Convert some links."""
    links = (WatchedLink(link.campaign_number, link.link_number, link.url) for link in answer.links)
    return LinkUpdate(tuple(links), answer.cursor, answer.snapshot_complete)
