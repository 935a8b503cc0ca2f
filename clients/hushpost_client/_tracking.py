"""Opens, clicks and links: what an edge calls."""

from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing
from datetime import datetime
from uuid import UUID

from grpc.aio import Channel

from hushpost.v1 import tracking_pb2
from hushpost.v1.tracking_pb2_grpc import TrackingServiceStub
from hushpost_client import _tracking_proto
from hushpost_client._calls import Calls, request_id_or_new
from hushpost_client._tracking_types import Event, LinkUpdate, RecordedEvents
from hushpost_client._words import Verdict

__all__ = ["Tracking"]


class Tracking:
    """Records opens and clicks and tells where links lead. For keys of role EDGE.

    A call that returns is committed to disk. Each write takes a `request_id`,
    a UUID, and makes one itself if it is None; to send the same write again
    later (from a spool), pass the same one: it counts once for at least seven
    days. `timeout` is in seconds, retries included; None for the client's.
    All methods raise `HushpostError`; the reasons to expect are listed.
    """

    def __init__(self, channel: Channel, calls: Calls) -> None:
        self._stub = TrackingServiceStub(channel)
        self._calls = calls

    async def record_open(
        self,
        token: str,
        *,
        open_time: datetime | None = None,
        verdict: Verdict = Verdict.UNKNOWN,
        privacy_signal: bool = False,
        request_id: UUID | str | None = None,
        timeout: float | None = None,
    ) -> None:
        """Record that the message of a token was opened; arguments as in `Event`.

        Reasons: TOKEN_INVALID, CAMPAIGN_NOT_FOUND, EVENT_TIME_IN_FUTURE,
        EVENT_TIME_TOO_OLD, REQUEST_ID_INVALID, OVERLOADED,
        DATABASE_UNAVAILABLE, SHUTTING_DOWN.
        """
        event = Event(token, 0, open_time, verdict, privacy_signal)
        request = _tracking_proto.open_request(event, request_id_or_new(request_id))
        await self._calls.unary(self._stub.RecordOpen, request, timeout)

    async def record_click(
        self,
        token: str,
        link_number: int,
        *,
        click_time: datetime | None = None,
        verdict: Verdict = Verdict.UNKNOWN,
        privacy_signal: bool = False,
        request_id: UUID | str | None = None,
        timeout: float | None = None,
    ) -> str:
        """Record a click on link 1…n and answer the URL to redirect to.

        Reasons: those of `record_open`, and LINK_NOT_FOUND.
        """
        event = Event(token, link_number, click_time, verdict, privacy_signal)
        request = _tracking_proto.click_request(event, request_id_or_new(request_id))
        return (await self._calls.unary(self._stub.RecordClick, request, timeout)).url

    async def record_events(
        self,
        events: Iterable[Event],
        *,
        request_id: UUID | str | None = None,
        timeout: float | None = None,
    ) -> RecordedEvents:
        """Record 1…10,000 opens and clicks, of any tenants, in one call.

        Throughput comes from here. Events that are refused come back by index
        with TOKEN_INVALID, CAMPAIGN_NOT_FOUND, LINK_NOT_FOUND,
        EVENT_TIME_IN_FUTURE or EVENT_TIME_TOO_OLD; the rest counts.

        Reasons: BATCH_EMPTY, BATCH_TOO_LARGE, REQUEST_ID_INVALID, OVERLOADED,
        DATABASE_UNAVAILABLE, SHUTTING_DOWN.
        """
        request = _tracking_proto.events_request(events, request_id_or_new(request_id))
        answer = await self._calls.unary(self._stub.RecordEvents, request, timeout)
        return _tracking_proto.recorded_events(answer)

    async def resolve_link(
        self, token: str, link_number: int, *, timeout: float | None = None
    ) -> str:
        """Answer a link's URL and record nothing.

        Reasons: TOKEN_INVALID (not even its clear part can be read),
        CAMPAIGN_NOT_FOUND, LINK_NOT_FOUND, DATABASE_UNAVAILABLE.
        """
        request = tracking_pb2.ResolveLinkRequest(token=token, link_number=link_number)
        return (await self._calls.unary(self._stub.ResolveLink, request, timeout)).url

    async def watch_links(self, cursor: str = "") -> AsyncGenerator[LinkUpdate, None]:
        """Follow all links of all campaigns, and new ones as they are registered.

        Ends only with an error: after a break it goes on by itself where it
        stood, for as long as the authority is UNAVAILABLE. Wrap it in
        `contextlib.aclosing` if you leave the loop before the client is closed.

        Args:
            cursor: The last one received; empty for all links there are.

        Reasons: CURSOR_INVALID.
        """

        def rest() -> tracking_pb2.WatchLinksRequest:
            return tracking_pb2.WatchLinksRequest(cursor=cursor)

        async with aclosing(self._calls.stream(self._stub.WatchLinks, rest)) as answers:
            async for answer in answers:
                cursor = answer.cursor
                yield _tracking_proto.link_update(answer)
