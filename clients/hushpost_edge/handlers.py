"""ASGI handlers: the tracking pixel and the redirect.

Pixels and redirects send prepared ASGI messages, without Starlette's response classes.
"""

from starlette.requests import HTTPConnection
from starlette.types import Receive, Scope, Send

from hushpost_edge import metrics
from hushpost_edge.damaged_link import parse_damaged_link
from hushpost_edge.damaged_lookup import DamagedLookup
from hushpost_edge.event_recording import EventRecorder
from hushpost_edge.general_pages import GeneralPages
from hushpost_edge.link_lookup import LinkLookup, LinkNotFoundError, LinkUnavailableError
from hushpost_edge.token_header import ParsedToken, parse_link_number, parse_token

__all__ = ["ClickHandler", "PixelHandler"]

_PARTS = 4
"""Of a path, split at slashes: before the first one, "c", token, link number."""

# The smallest GIF89a with a transparent pixel: header, two colours, graphic
# control, image, trailer.
_GIF = bytes.fromhex(
    "47494638396101000100800000000000ffffff21f90401000000002c00000000010001000002024401003b"
)
# RFC 9111, 5.2.2.5. Image proxies also need the older directives.
_NO_STORE = (b"cache-control", b"no-store")
_NO_CACHE = (b"cache-control", b"no-store, no-cache, must-revalidate, private, max-age=0")
_PIXEL_START = {
    "type": "http.response.start",
    "status": 200,
    "headers": [
        (b"content-type", b"image/gif"),
        (b"content-length", str(len(_GIF)).encode()),
        _NO_CACHE,
        (b"pragma", b"no-cache"),
        (b"expires", b"0"),
        (b"x-content-type-options", b"nosniff"),
    ],
}
_PIXEL_BODY = {"type": "http.response.body", "body": _GIF}
_EMPTY_BODY = {"type": "http.response.body", "body": b""}


class PixelHandler:
    """Serves the pixel for every path, and records an open if the path has a token."""

    def __init__(self, recorder: EventRecorder) -> None:
        self._recorder = recorder

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        """Handle a request for `/o/<token>.gif`."""
        _, _, name = scope["path"].rpartition("/")
        token = parse_token(name[:-4]) if name[-4:].lower() == ".gif" else None
        if scope["method"] == "HEAD":
            metrics.REQUESTS_WITHOUT_EVENT.labels("head").inc()
        elif token is not None and token.raw is not None:
            await self._recorder.record(token.raw, 0, scope)
        await send(_PIXEL_START)
        await send(_PIXEL_BODY)


class ClickHandler:
    """Redirects to registered links only, and records clicks."""

    def __init__(
        self,
        lookup: LinkLookup,
        damaged: DamagedLookup,
        recorder: EventRecorder,
        pages: GeneralPages,
    ) -> None:
        self._lookup = lookup
        self._damaged = damaged
        self._recorder = recorder
        self._pages = pages

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request for `/c/<token>/<link number>`, damaged or not."""
        parts = scope["path"].split("/")
        token = number = None
        if len(parts) == _PARTS:
            token, number = parse_token(parts[2]), parse_link_number(parts[3])
        if token is not None and token.raw is not None and number is not None:
            url = self._lookup.find_local(token.campaign, number)
            if url is not None:
                await self._record_and_redirect(token, number, url, scope, send)
                return
        await self._find_damaged(scope, receive, send)

    async def _find_damaged(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a link that is damaged or not stored yet, or the trap link."""
        link = parse_damaged_link(scope["path"])
        if link is None:
            await self._pages.not_found(HTTPConnection(scope))(scope, receive, send)
            return
        token, number = link.token, link.number
        url = None if token is None else self._lookup.find_local(token.campaign, number)
        if url is None:
            campaign = self._damaged.find_campaign(link.header, scope)
            if campaign is not None:
                url = self._lookup.find_local(campaign, number)
            if token is not None and url is not None and campaign != token.campaign:
                token = None  # its header is damaged, so it cannot be opened
        if url is None:
            if token is None:
                await self._pages.not_found(HTTPConnection(scope))(scope, receive, send)
                return
            try:
                url = await self._lookup.resolve(token.campaign, number)
            except LinkNotFoundError:
                await self._pages.not_found(HTTPConnection(scope))(scope, receive, send)
                return
            except LinkUnavailableError:
                await self._pages.unresolved(HTTPConnection(scope))(scope, receive, send)
                return
        if link.is_trap and token is not None and token.raw is not None:
            self._recorder.observe_trap(token.raw, scope)
        await self._record_and_redirect(token, number, url, scope, send)

    async def _record_and_redirect(
        self, token: ParsedToken | None, number: int, url: bytes, scope: Scope, send: Send
    ) -> None:
        raw = None if token is None else token.raw
        if scope["method"] == "HEAD":
            metrics.REQUESTS_WITHOUT_EVENT.labels("head").inc()
            if raw is not None:
                self._recorder.observe_head(raw, number, scope)
        elif raw is not None:
            await self._recorder.record(raw, number, scope)
        await send(_redirect(url))
        await send(_EMPTY_BODY)


def _redirect(url: bytes) -> dict[str, object]:
    return {
        "type": "http.response.start",
        "status": 302,
        "headers": [
            (b"location", url),
            (b"referrer-policy", b"no-referrer"),
            _NO_STORE,
            (b"content-length", b"0"),
        ],
    }
