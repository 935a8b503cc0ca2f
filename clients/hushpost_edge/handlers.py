"""ASGI handlers: the tracking pixel, the redirect, and the error pages.

Pixels and redirects send prepared ASGI messages, without Starlette's response classes.
"""

from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.types import Receive, Scope, Send

from hushpost_edge import metrics
from hushpost_edge.event_recording import EventRecorder
from hushpost_edge.link_lookup import LinkLookup, LinkNotFoundError, LinkUnavailableError
from hushpost_edge.token_header import parse_link_number, parse_token

__all__ = ["ClickHandler", "PixelHandler", "handle_not_found"]

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

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width"><meta name="robots" content="noindex">
<style>body{{font:1.1rem/1.5 sans-serif;max-width:30em;margin:15vh auto;padding:0 1em}}</style>
</head><body><h1>{title}</h1><p>{text}</p></body></html>
"""
_PAGE_HEADERS = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}


class PixelHandler:
    """Serves the pixel for every path, and records an open if the path has a token."""

    def __init__(self, recorder: EventRecorder) -> None:
        self._recorder = recorder

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        """Handle a request for `/o/<token>.gif`."""
        _, _, name = scope["path"].rpartition("/")
        token = parse_token(name.removesuffix(".gif")) if name.endswith(".gif") else None
        if scope["method"] == "HEAD":
            metrics.REQUESTS_WITHOUT_EVENT.labels("head").inc()
        elif token is not None and token.raw is not None:
            await self._recorder.record(token.raw, 0, scope)
        await send(_PIXEL_START)
        await send(_PIXEL_BODY)


class ClickHandler:
    """Redirects to registered links only, and records clicks."""

    def __init__(self, lookup: LinkLookup, recorder: EventRecorder) -> None:
        self._lookup = lookup
        self._recorder = recorder

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request for `/c/<token>/<link number>`."""
        _, _, text, digits = scope["path"].split("/")
        token = parse_token(text)
        number = parse_link_number(digits)
        if token is None or number is None:
            await _not_found_page()(scope, receive, send)
            return
        url = self._lookup.find_local(token.campaign, number)
        if url is None:
            try:
                url = await self._lookup.resolve(token.campaign, number)
            except LinkNotFoundError:
                await _not_found_page()(scope, receive, send)
                return
            except LinkUnavailableError:
                await _unavailable_page()(scope, receive, send)
                return
        if scope["method"] == "HEAD":
            metrics.REQUESTS_WITHOUT_EVENT.labels("head").inc()
        elif token.raw is not None:
            await self._recorder.record(token.raw, number, scope)
        await send(_redirect(url))
        await send(_EMPTY_BODY)


async def handle_not_found(_request: Request, _error: Exception) -> Response:
    """Return the page for paths that are neither a pixel nor a link."""
    return _not_found_page()


def _redirect(url: bytes) -> dict[str, object]:
    return {
        "type": "http.response.start",
        "status": 302,
        "headers": [
            # The bytes of the registered URL, even if it is not ASCII.
            (b"location", url),
            (b"referrer-policy", b"no-referrer"),
            _NO_STORE,
            (b"content-length", b"0"),
        ],
    }


def _not_found_page() -> Response:
    metrics.REQUESTS_WITHOUT_EVENT.labels("unknown").inc()
    return _page(
        HTTPStatus.NOT_FOUND,
        "Link not found",
        "The address may be incomplete. Please copy the whole address from the message, "
        "or ask the sender.",
    )


def _unavailable_page() -> Response:
    metrics.REQUESTS_WITHOUT_EVENT.labels("unresolved").inc()
    response = _page(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "Please try again in a moment",
        "This server does not know the link yet and cannot look it up at the moment.",
    )
    response.headers["retry-after"] = "5"
    return response


def _page(status: HTTPStatus, title: str, text: str) -> Response:
    return HTMLResponse(_PAGE.format(title=title, text=text), status, headers=_PAGE_HEADERS)
