"""Serves the stylesheet, icons and scripts."""

from http import HTTPStatus

from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Receive, Scope, Send

__all__ = ["VersionedFiles"]


class VersionedFiles(StaticFiles):
    """Files whose addresses contain a digest (`?v=`), so that browsers may keep them for good."""

    def __init__(self) -> None:
        super().__init__(packages=[("hushpost_dashboard", "static")])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send a file."""
        # With this extension, the server would send it itself, without compression.
        extensions = {**scope.get("extensions", {})}
        extensions.pop("http.response.pathsend", None)
        await super().__call__({**scope, "extensions": extensions}, receive, send)

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Return a file."""
        response = await super().get_response(path, scope)
        if response.status_code == HTTPStatus.OK and scope["query_string"].startswith(b"v="):
            response.headers["cache-control"] = "public, max-age=31536000, immutable"
        return response
