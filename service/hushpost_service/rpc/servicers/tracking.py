"""TrackingService: records opens and clicks, and resolves links. Called by edges."""

import re
import zlib
from collections.abc import AsyncIterator
from typing import Any

import grpc

from hushpost.v1 import tracking_pb2 as pb
from hushpost.v1.errors_pb2 import ErrorReason
from hushpost.v1.tracking_pb2_grpc import TrackingServiceServicer
from hushpost_service.campaigns.service import Campaigns
from hushpost_service.domain.errors import HushpostError, Reason, tenant_not_allowed
from hushpost_service.domain.validation import checked_batch, checked_request_id
from hushpost_service.graceful_shutdown import GracefulShutdown
from hushpost_service.rpc.convert import timestamp_microseconds, verdict, verdicts
from hushpost_service.rpc.interceptors.authentication import current_caller
from hushpost_service.rpc.load_shedding import ConcurrencyLimit
from hushpost_service.rpc.paging import parse_number
from hushpost_service.storage.campaigns import LinkRevision
from hushpost_service.tokens.spool_keys import SpoolKeys
from hushpost_service.tracking.ingest import Batch, Ingest, Item, Tenants

__all__ = ["TrackingServicer"]

_LINKS_PER_MESSAGE = 200
"""A message that a client does not read stays in memory: at most 400 KiB."""
_POLL_SECONDS = 1.0
"""Interval of reading links that another authority process has registered."""

_SCOPE = re.compile(r"|-[0-9a-f]{8}")

Context = grpc.aio.ServicerContext[Any, Any]


class TrackingServicer(TrackingServiceServicer):
    """Serves TrackingService."""

    def __init__(
        self,
        ingest: Ingest,
        campaigns: Campaigns,
        spool_keys: SpoolKeys,
        events: ConcurrencyLimit,
        shutdown: GracefulShutdown,
    ) -> None:
        self._ingest = ingest
        self._campaigns = campaigns
        self._spool_keys = spool_keys
        self._events = events
        self._shutdown = shutdown

    async def RecordOpen(
        self, request: pb.RecordOpenRequest, context: Context
    ) -> pb.RecordOpenResponse:
        """Record an open."""
        item = Item(
            token=request.token,
            signal=0,
            time=timestamp_microseconds(request.open_time, is_set=request.HasField("open_time")),
            verdict=verdict(request.verdict),
            privacy_signal=request.privacy_signal,
            repeated=request.repeated,
        )
        await self._ingest.record_open(item, _tenants(), checked_request_id(request.request_id))
        return pb.RecordOpenResponse()

    async def RecordClick(
        self, request: pb.RecordClickRequest, context: Context
    ) -> pb.RecordClickResponse:
        """Record a click and return the link's URL."""
        item = Item(
            token=request.token,
            signal=request.link_number,
            time=timestamp_microseconds(request.click_time, is_set=request.HasField("click_time")),
            verdict=verdict(request.verdict),
            privacy_signal=request.privacy_signal,
            repeated=request.repeated,
        )
        url = await self._ingest.record_click(
            item, _tenants(), checked_request_id(request.request_id)
        )
        return pb.RecordClickResponse(url=url)

    async def RecordEvents(
        self, request: pb.RecordEventsRequest, context: Context
    ) -> pb.RecordEventsResponse:
        """Record a batch; report invalid events in the response."""
        checked_batch(request.events, "events")
        with self._events.holding(len(request.events)):
            return await self._record_events(request)

    async def _record_events(self, request: pb.RecordEventsRequest) -> pb.RecordEventsResponse:
        # Each access to a part of a message creates a new object: read the list once.
        events = list(request.events)
        batch = Batch(
            tokens=[event.token for event in events],
            signals=[event.link_number for event in events],
            times=_times(events),
            verdicts=verdicts([event.verdict for event in events]),
            privacy_signals=[event.privacy_signal for event in events],
            repeated=[event.repeated for event in events],
        )
        rejections = await self._ingest.record_batch(
            batch, _tenants(), checked_request_id(request.request_id)
        )
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
        """Return the URL of a link without recording a click."""
        url = await self._ingest.resolve(request.token, request.link_number, _tenants())
        return pb.ResolveLinkResponse(url=url)

    async def WatchLinks(
        self, request: pb.WatchLinksRequest, context: Context
    ) -> AsyncIterator[pb.WatchLinksResponse]:
        """Stream the links of the key's tenants: first those after the cursor, then new ones."""
        tenants = _tenants()
        scope = _scope(tenants)
        revision = _revision(request.cursor, scope)
        if revision > await self._campaigns.last_revision():
            # The cursor is from another database, or from before a backup was restored.
            raise _cursor_invalid()
        is_complete = False
        while True:
            links, last = await self._campaigns.links_since(revision, _LINKS_PER_MESSAGE, tenants)
            revision = last
            if links or not is_complete:
                is_complete = is_complete or len(links) < _LINKS_PER_MESSAGE
                yield _watch_response(links, f"{revision}{scope}", is_complete=is_complete)
            if len(links) < _LINKS_PER_MESSAGE:
                await self._shutdown.run_until_shutdown(
                    self._campaigns.wait_for_new_links(_POLL_SECONDS)
                )

    async def GetSpoolPublicKey(
        self, request: pb.GetSpoolPublicKeyRequest, context: Context
    ) -> pb.GetSpoolPublicKeyResponse:
        """Return the public key that edges seal the keys of their spools to."""
        return pb.GetSpoolPublicKeyResponse(
            key_id=self._spool_keys.key_id,
            public_key=self._spool_keys.public_key,
            tenant_numbers=sorted(_tenants() or ()),
        )

    async def OpenSpoolKey(
        self, request: pb.OpenSpoolKeyRequest, context: Context
    ) -> pb.OpenSpoolKeyResponse:
        """Open a sealed key for an edge that may record for the same tenants."""
        opened = self._spool_keys.open(request.sealed_key)
        allowed = _tenants()
        if allowed is not None and not (opened.tenants and opened.tenants <= allowed):
            raise tenant_not_allowed()
        return pb.OpenSpoolKeyResponse(key=opened.key)


def _times(events: list[pb.Event]) -> list[int | None]:
    """Return the events' times in microseconds since 1970; None if unset."""
    timestamps = [event.event_time for event in events]
    # As `timestamp_microseconds`, without a call for each event.
    times: list[int | None] = [time.seconds * 1_000_000 + time.nanos // 1000 for time in timestamps]
    if 0 in times:
        # An unset field reads as 0. For speed, `HasField` is called only if there is a 0.
        return [
            time if time or event.HasField("event_time") else None
            for time, event in zip(times, events, strict=True)
        ]
    return times


def _tenants() -> Tenants:
    return current_caller().edge_tenants


def _scope(tenants: Tenants) -> str:
    """Return the part of a cursor that names the tenants whose links were streamed.

    Another key may be for more tenants, whose earlier links have not been streamed yet.
    """
    if tenants is None:
        return ""
    return f"-{zlib.crc32(repr(sorted(tenants)).encode()):08x}"


def _revision(cursor: str, scope: str) -> int:
    """Return the revision of a cursor; 0, to stream all links, if it is of other tenants."""
    number, dash, cursor_scope = cursor.partition("-")
    try:
        revision = parse_number(number) if cursor else 0
    except ValueError:
        raise _cursor_invalid() from None
    if cursor and not _SCOPE.fullmatch(dash + cursor_scope):
        raise _cursor_invalid()
    return revision if dash + cursor_scope == scope else 0


def _cursor_invalid() -> HushpostError:
    return HushpostError(
        Reason.CURSOR_INVALID,
        "cursor must be empty or one that WatchLinks of this authority returned",
    )


def _watch_response(
    links: list[LinkRevision], cursor: str, *, is_complete: bool
) -> pb.WatchLinksResponse:
    return pb.WatchLinksResponse(
        links=[
            pb.WatchedLink(campaign_number=link.campaign, link_number=link.number, url=link.url)
            for link in links
        ],
        cursor=cursor,
        snapshot_complete=is_complete,
    )
