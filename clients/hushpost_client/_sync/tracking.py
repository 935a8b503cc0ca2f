# Generated from _async/tracking.py by `make sync-client`; do not edit.
"""Opens, clicks and links."""

from collections.abc import Generator, Iterable
from contextlib import closing
from datetime import datetime
from uuid import UUID

from grpc import Channel

from hushpost.v1 import tracking_pb2
from hushpost.v1.tracking_pb2_grpc import TrackingServiceStub
from hushpost_client import _tracking_proto
from hushpost_client._enums import Verdict
from hushpost_client._enums_proto import VERDICT, set_timestamp
from hushpost_client._sync.calls import Calls, request_id_or_new
from hushpost_client._tracking_types import Event, LinkUpdate, RecordedEvents, SpoolPublicKey

__all__ = ["Tracking"]


class Tracking:
    """Records opens and clicks, and resolves links. Requires a key of role EDGE.

    An event is committed to disk when its call returns. These arguments are the same
    in all methods:

    - `request_id`: a UUID that makes a repeated write count once (an idempotency key),
      for at least seven days; None generates one. To resend a write later, for example
      from a spool, pass the id of the first try.
    - `timeout`: seconds, including retries; None for the client's timeout.

    All methods raise `HushpostError`. Their docstrings list the reasons to expect.
    """

    def __init__(self, channel: Channel, calls: Calls) -> None:
        self._stub = TrackingServiceStub(channel)
        self._calls = calls

    def record_open(
        self,
        token: str,
        *,
        open_time: datetime | None = None,
        verdict: Verdict = Verdict.UNKNOWN,
        privacy_signal: bool = False,
        repeated: bool = False,
        request_id: UUID | str | None = None,
        timeout: float | None = None,
    ) -> None:
        """Record that the message of a token was opened.

        Args:
            token: The token from the URL, 56 characters of base64url.
            open_time: When it was opened, with a time zone; None for now. At most five
                minutes ahead of and 30 days behind the authority's clock.
            verdict: What caused it, as classified by the edge.
            privacy_signal: Whether the browser sent `Sec-GPC: 1` or `DNT: 1`.
            repeated: Whether the same client caused the same event shortly before. Such an
                event is not counted if its mode is AGGREGATE.
            request_id: A random UUID for this request only; None generates one.
            timeout: Seconds, including retries; None for the client's timeout.

        Raises ValueError if `open_time` has no time zone.

        Reasons: TOKEN_INVALID, TOKEN_KEY_UNKNOWN, CAMPAIGN_NOT_FOUND,
        EVENT_TIME_IN_FUTURE, EVENT_TIME_TOO_OLD, REQUEST_ID_INVALID,
        REQUEST_ID_REUSED, OVERLOADED,
        DATABASE_UNAVAILABLE, SHUTTING_DOWN.
        """
        request = tracking_pb2.RecordOpenRequest(
            token=token,
            verdict=VERDICT.to_wire(verdict),
            privacy_signal=privacy_signal,
            repeated=repeated,
            request_id=request_id_or_new(request_id),
        )
        if open_time is not None:
            set_timestamp(request.open_time, open_time)
        self._calls.unary(self._stub.RecordOpen, request, timeout)

    def record_click(
        self,
        token: str,
        link_number: int,
        *,
        click_time: datetime | None = None,
        verdict: Verdict = Verdict.UNKNOWN,
        privacy_signal: bool = False,
        repeated: bool = False,
        request_id: UUID | str | None = None,
        timeout: float | None = None,
    ) -> str:
        """Record a click on link 1…n and return the URL to redirect to.

        Arguments and errors are those of `record_open`, with `click_time` for
        `open_time`, and LINK_NOT_FOUND.
        """
        request = tracking_pb2.RecordClickRequest(
            token=token,
            link_number=link_number,
            verdict=VERDICT.to_wire(verdict),
            privacy_signal=privacy_signal,
            repeated=repeated,
            request_id=request_id_or_new(request_id),
        )
        if click_time is not None:
            set_timestamp(request.click_time, click_time)
        response = self._calls.unary(self._stub.RecordClick, request, timeout)
        return response.url

    def record_events(
        self,
        events: Iterable[Event],
        *,
        request_id: UUID | str | None = None,
        timeout: float | None = None,
    ) -> RecordedEvents:
        """Record 1 to 10,000 opens and clicks of any tenants in one call.

        Has a far higher throughput than `record_open` and `record_click`. Invalid events
        are returned by index with the reason TOKEN_INVALID, TOKEN_KEY_UNKNOWN,
        CAMPAIGN_NOT_FOUND, LINK_NOT_FOUND, EVENT_TIME_IN_FUTURE or EVENT_TIME_TOO_OLD; the
        others count. All reasons but TOKEN_INVALID may pass: send such events later, under
        a new `request_id`.

        Raises ValueError if an `event_time` has no time zone.

        Reasons: BATCH_EMPTY, BATCH_TOO_LARGE, REQUEST_ID_INVALID,
        REQUEST_ID_REUSED, OVERLOADED, DATABASE_UNAVAILABLE, SHUTTING_DOWN.
        """
        request = _tracking_proto.events_request(events, request_id_or_new(request_id))
        response = self._calls.unary(self._stub.RecordEvents, request, timeout)
        return _tracking_proto.recorded_events(response)

    def resolve_link(self, token: str, link_number: int, *, timeout: float | None = None) -> str:
        """Return the URL of a link without recording anything.

        Needs only the clear-text header of the token, so that links work in URLs that a
        mail program has damaged.

        Reasons: TOKEN_INVALID (the header is unreadable), CAMPAIGN_NOT_FOUND,
        LINK_NOT_FOUND, DATABASE_UNAVAILABLE.
        """
        request = tracking_pb2.ResolveLinkRequest(token=token, link_number=link_number)
        response = self._calls.unary(self._stub.ResolveLink, request, timeout)
        return response.url

    def get_spool_public_key(self, *, timeout: float | None = None) -> SpoolPublicKey:
        """Return the public key to which an edge seals the key of its spool."""
        request = tracking_pb2.GetSpoolPublicKeyRequest()
        response = self._calls.unary(self._stub.GetSpoolPublicKey, request, timeout)
        return _tracking_proto.spool_public_key(response)

    def open_spool_key(self, sealed_key: bytes, *, timeout: float | None = None) -> bytes:
        """Return the key that an earlier run of an edge has sealed: 32 bytes.

        Reasons: FIELD_INVALID (it was not sealed to this authority), TOKEN_KEY_UNKNOWN,
        TENANT_NOT_ALLOWED.
        """
        request = tracking_pb2.OpenSpoolKeyRequest(sealed_key=sealed_key)
        response = self._calls.unary(self._stub.OpenSpoolKey, request, timeout)
        return response.key

    def watch_links(self, cursor: str | None = None) -> Generator[LinkUpdate, None, None]:
        """Yield the links of all campaigns, then new ones as they are registered, without end.

        Resumes where it was interrupted, for as long as the authority is UNAVAILABLE.
        Wrap the call in `contextlib.closing` to end the stream as soon as you leave
        the loop.

        Args:
            cursor: The last cursor received; None starts with all existing links.

        Reasons: CURSOR_INVALID.
        """
        position = cursor or ""

        def next_request() -> tracking_pb2.WatchLinksRequest:
            return tracking_pb2.WatchLinksRequest(cursor=position)

        stream = self._calls.stream(self._stub.WatchLinks, next_request)
        with closing(stream) as responses:
            for response in responses:
                position = response.cursor
                yield _tracking_proto.link_update(response)
