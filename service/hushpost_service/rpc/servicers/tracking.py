"""TrackingService: what edges call."""

from collections.abc import AsyncIterator
from typing import Any

import grpc

from hushpost.v1 import tracking_pb2 as pb
from hushpost.v1.errors_pb2 import ErrorReason
from hushpost.v1.tracking_pb2_grpc import TrackingServiceServicer
from hushpost_service.campaigns.service import Campaigns
from hushpost_service.domain.errors import HushpostError, Reason
from hushpost_service.domain.validation import checked_batch, checked_request_id
from hushpost_service.graceful_shutdown import GracefulShutdown
from hushpost_service.rpc.convert import to_microseconds, verdict
from hushpost_service.rpc.load_shedding import ConcurrencyLimit
from hushpost_service.rpc.paging import natural
from hushpost_service.storage.campaigns import LinkRevision
from hushpost_service.tracking.ingest import Batch, Ingest, Item

__all__ = ["TrackingServicer"]

_LINKS_PER_MESSAGE = 1000
_WATCH_SECONDS = 1.0
"""How late an edge learns of links that another process has registered."""

Context = grpc.aio.ServicerContext[Any, Any]


class TrackingServicer(TrackingServiceServicer):
    """Serves TrackingService."""

    def __init__(
        self,
        ingest: Ingest,
        campaigns: Campaigns,
        events: ConcurrencyLimit,
        shutdown: GracefulShutdown,
    ) -> None:
        self._ingest = ingest
        self._campaigns = campaigns
        self._events = events
        self._shutdown = shutdown

    async def RecordOpen(
        self, request: pb.RecordOpenRequest, context: Context
    ) -> pb.RecordOpenResponse:
        """Record an open."""
        time = to_microseconds(request.open_time, given=request.HasField("open_time"))
        item = Item(request.token, 0, time, verdict(request.verdict), request.privacy_signal)
        await self._ingest.record_open(item, checked_request_id(request.request_id))
        return pb.RecordOpenResponse()

    async def RecordClick(
        self, request: pb.RecordClickRequest, context: Context
    ) -> pb.RecordClickResponse:
        """Record a click."""
        time = to_microseconds(request.click_time, given=request.HasField("click_time"))
        item = Item(
            request.token,
            request.link_number,
            time,
            verdict(request.verdict),
            request.privacy_signal,
        )
        url = await self._ingest.record_click(item, checked_request_id(request.request_id))
        return pb.RecordClickResponse(url=url)

    async def RecordEvents(
        self, request: pb.RecordEventsRequest, context: Context
    ) -> pb.RecordEventsResponse:
        """Record a batch."""
        checked_batch(request.events, "events")
        with self._events.holding(len(request.events)):
            return await self._record_events(request)

    async def _record_events(self, request: pb.RecordEventsRequest) -> pb.RecordEventsResponse:
        # Each part of a message costs a new object: none is asked for twice.
        events = list(request.events)
        batch = Batch(
            [event.token for event in events],
            [event.link_number for event in events],
            _times(events),
            [verdict(event.verdict) for event in events],
            [event.privacy_signal for event in events],
        )
        rejections = await self._ingest.record_batch(batch, checked_request_id(request.request_id))
        return pb.RecordEventsResponse(
            accepted_count=len(events) - len(rejections),
            rejected=[
                pb.RejectedEvent(
                    index=rejection.index,
                    reason=ErrorReason.Value(f"ERROR_REASON_{rejection.error.reason}"),
                    message=rejection.error.message,
                )
                for rejection in rejections
            ],
        )

    async def ResolveLink(
        self, request: pb.ResolveLinkRequest, context: Context
    ) -> pb.ResolveLinkResponse:
        """Look a link up."""
        url = await self._ingest.resolve(request.token, request.link_number)
        return pb.ResolveLinkResponse(url=url)

    async def WatchLinks(
        self, request: pb.WatchLinksRequest, context: Context
    ) -> AsyncIterator[pb.WatchLinksResponse]:
        """Stream links."""
        revision = _revision(request.cursor)
        if revision > await self._campaigns.last_revision():
            # Of another database, or of this one before it was restored.
            raise _cursor_invalid()
        is_complete = False
        while True:
            links = await self._campaigns.links_since(revision, _LINKS_PER_MESSAGE)
            if links or not is_complete:
                is_complete = is_complete or len(links) < _LINKS_PER_MESSAGE
                revision = links[-1].revision if links else revision
                yield _watched(links, revision, is_complete=is_complete)
            if len(links) < _LINKS_PER_MESSAGE:
                await self._shutdown.or_after(self._campaigns.registered(_WATCH_SECONDS))


def _times(events: list[pb.Event]) -> list[int | None]:
    """Return microseconds since 1970, None where no time is given."""
    stamps = [event.event_time for event in events]
    times: list[int | None] = [to_microseconds(stamp, given=True) for stamp in stamps]
    if 0 in times:
        # What a field that is not given reads as.
        return [
            time if time or event.HasField("event_time") else None
            for time, event in zip(times, events, strict=True)
        ]
    return times


def _revision(cursor: str) -> int:
    try:
        return natural(cursor) if cursor else 0
    except ValueError:
        raise _cursor_invalid() from None


def _cursor_invalid() -> HushpostError:
    return HushpostError(Reason.CURSOR_INVALID, "cursor is not one that WatchLinks answered")


def _watched(
    links: list[LinkRevision], revision: int, *, is_complete: bool
) -> pb.WatchLinksResponse:
    return pb.WatchLinksResponse(
        links=[
            pb.WatchedLink(campaign_number=link.campaign, link_number=link.number, url=link.url)
            for link in links
        ],
        cursor=str(revision),
        snapshot_complete=is_complete,
    )
