"""What readers get: the pixel, the redirect, and a page where a link is not known."""

from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.types import Receive, Scope, Send

from hushpost_edge import metrics
from hushpost_edge.intake import Intake
from hushpost_edge.lookup import Lookup, NoSuchLinkError, UnresolvedLinkError
from hushpost_edge.token import link_number, parsed

__all__ = ["Click", "Pixel", "not_here"]

# The smallest GIF89a with a transparent pixel: header, two colours, graphic
# control, image, trailer.
_GIF = bytes.fromhex(
    "47494638396101000100800000000000ffffff21f90401000000002c00000000010001000002024401003b"
)
# RFC 9111, 5.2.2.5; image proxies look for the older words beside it.
_NOT_STORED = (b"cache-control", b"no-store")
_NOT_CACHED = (b"cache-control", b"no-store, no-cache, must-revalidate, private, max-age=0")
_PIXEL_START = {
    "type": "http.response.start",
    "status": 200,
    "headers": [
        (b"content-type", b"image/gif"),
        (b"content-length", str(len(_GIF)).encode()),
        _NOT_CACHED,
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


class Pixel:
    """Answers the pixel, whatever stands in its path; what may be a token is an open."""

    def __init__(self, intake: Intake) -> None:
        self._intake = intake

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        """Answer one request."""
        _, _, name = scope["path"].rpartition("/")
        token = parsed(name.removesuffix(".gif")) if name.endswith(".gif") else None
        if scope["method"] == "HEAD":
            metrics.ANSWERS.labels("head").inc()
        elif token is not None and token.sealed is not None:
            await self._intake.take(token.sealed, 0, scope)
        await send(_PIXEL_START)
        await send(_PIXEL_BODY)


class Click:
    """Answers a redirect to a registered link, and nowhere else."""

    def __init__(self, lookup: Lookup, intake: Intake) -> None:
        self._lookup = lookup
        self._intake = intake

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        _, _, text, digits = scope["path"].split("/")
        token = parsed(text)
        number = link_number(digits)
        if token is None or number is None:
            await _unknown()(scope, receive, send)
            return
        url = self._lookup.known(token.campaign, number)
        if url is None:
            try:
                url = await self._lookup.resolve(text, token.campaign, number)
            except NoSuchLinkError:
                await _unknown()(scope, receive, send)
                return
            except UnresolvedLinkError:
                await _unresolved()(scope, receive, send)
                return
        if scope["method"] == "HEAD":
            metrics.ANSWERS.labels("head").inc()
        elif token.sealed is not None:
            await self._intake.take(token.sealed, number, scope)
        await send(_redirect(url))
        await send(_EMPTY_BODY)


def _redirect(url: bytes) -> dict[str, object]:
    return {
        "type": "http.response.start",
        "status": 302,
        "headers": [
            # To the byte: a URL that is not ASCII goes out as it was registered.
            (b"location", url),
            (b"referrer-policy", b"no-referrer"),
            _NOT_STORED,
            (b"content-length", b"0"),
        ],
    }


def _unknown() -> Response:
    metrics.ANSWERS.labels("unknown").inc()
    return _page(
        HTTPStatus.NOT_FOUND,
        "This link leads nowhere",
        "It may have been cut off on its way. Please copy the whole address from the message, "
        "or ask whoever sent it.",
    )


def _unresolved() -> Response:
    metrics.ANSWERS.labels("unresolved").inc()
    response = _page(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "Please try again in a moment",
        "This link is too new for this server to know, and it could not be looked up just now.",
    )
    response.headers["retry-after"] = "5"
    return response


async def not_here(_request: Request, _error: Exception) -> Response:
    """Answer what is neither a pixel nor a link."""
    return _unknown()


def _page(status: HTTPStatus, title: str, text: str) -> Response:
    return HTMLResponse(_PAGE.format(title=title, text=text), status, headers=_PAGE_HEADERS)
