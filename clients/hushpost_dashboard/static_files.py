"""Serves the stylesheet, icons and scripts."""

from http import HTTPStatus

from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

__all__ = ["VersionedFiles"]


class VersionedFiles(StaticFiles):
    """Files whose addresses contain a digest (`?v=`), so that browsers may keep them for good."""

    def __init__(self) -> None:
        super().__init__(packages=[("hushpost_dashboard", "static")])

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Return a file."""
        response = await super().get_response(path, scope)
        if response.status_code == HTTPStatus.OK and scope["query_string"].startswith(b"v="):
            response.headers["cache-control"] = "public, max-age=31536000, immutable"
        return response
