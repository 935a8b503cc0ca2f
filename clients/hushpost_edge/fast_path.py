"""Routes pixels and links past Starlette.

About 90 % of Starlette's work per request is not needed for these two, and took as long
as handling them.
"""

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from hushpost_edge.damaged_link import is_link_path, is_pixel_path
from hushpost_edge.request_framing import is_ambiguous

__all__ = ["FastPath"]

_METHODS = frozenset(("GET", "HEAD"))
_LINK_SLASHES = 3


class FastPath:
    """An ASGI application that routes `/c/<token>/<n>` and `/o/…` directly to handlers.

    All other requests, and lifespan events, go to the fallback application.
    """

    def __init__(self, fallback: ASGIApp) -> None:
        self._fallback = self._click = self._pixel = fallback

    def set_handlers(self, *, click: ASGIApp, pixel: ASGIApp) -> None:
        """Set the handlers, which are created only when the server starts."""
        self._click, self._pixel = click, pixel

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request or a lifespan event."""
        if scope["type"] == "http" and is_ambiguous(scope):
            await PlainTextResponse("Ambiguous request\n", 400)(scope, receive, send)
            return
        if scope["type"] == "http" and scope["method"] in _METHODS:
            path: str = scope["path"]
            if path.startswith("/c/") and path.count("/") == _LINK_SLASHES:
                await self._click(scope, receive, send)
                return
            if path.startswith("/o/"):
                await self._pixel(scope, receive, send)
                return
            # Written in another way by a mail program.
            if is_link_path(path):
                await self._click(scope, receive, send)
                return
            if is_pixel_path(path):
                await self._pixel(scope, receive, send)
                return
        await self._fallback(scope, receive, send)
