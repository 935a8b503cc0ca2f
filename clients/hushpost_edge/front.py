"""What a request meets first: pixels and links have a lane of their own.

Nine tenths of Starlette's way to an endpoint is for what these two do not need,
and took as long as all that they do. Everything else goes that way.
"""

from starlette.types import ASGIApp, Receive, Scope, Send

__all__ = ["Front"]

_METHODS = frozenset(("GET", "HEAD"))
_LINK_SLASHES = 3


class Front:
    """Sends `/c/<token>/<n>` and `/o/…` to lanes of their own, the rest to `others`."""

    def __init__(self, others: ASGIApp) -> None:
        self._others = self._click = self._pixel = others

    def open(self, click: ASGIApp, pixel: ASGIApp) -> None:
        """Open the two lanes; they are ready once the server has started."""
        self._click, self._pixel = click, pixel

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or the start and the end of the server."""
        if scope["type"] == "http" and scope["method"] in _METHODS:
            path: str = scope["path"]
            if path.startswith("/c/") and path.count("/") == _LINK_SLASHES:
                await self._click(scope, receive, send)
                return
            if path.startswith("/o/"):
                await self._pixel(scope, receive, send)
                return
        await self._others(scope, receive, send)
