"""The pages that belong to no sender: the start page, unknown links, and errors.

Programs that do not accept HTML get a line of text.
"""

from collections.abc import Mapping
from functools import cache
from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from hushpost_edge import metrics
from hushpost_edge.accepted import accepts_html
from hushpost_edge.languages import language_of
from hushpost_edge.page_templates import PageTemplates

__all__ = ["GeneralPages"]

_PAGE = "general.html"
_RETRY = {"retry-after": "5"}


class GeneralPages:
    """Creates the pages. They are the same for all requests, and are rendered once each."""

    def __init__(self, templates: PageTemplates) -> None:
        self._templates = templates
        self._rendered = cache(self._render)

    def routes(self) -> list[Route]:
        """Return the routes of the start page, and of paths that take no other methods.

        GET and HEAD of pixels and links do not reach these routes (see `fast_path.py`).
        """
        return [
            Route("/", self.start),
            Route("/c/{token}/{number}", self.missing),
            Route("/o/{name:path}", self.missing),
        ]

    async def start(self, request: Request) -> Response:
        """Say what the server is for, to people who open its bare address."""
        return self._page(request, HTTPStatus.OK)

    async def missing(self, request: Request) -> Response:
        """Return the page for addresses that lead nowhere."""
        return self.not_found(request)

    def not_found(self, request: HTTPConnection) -> Response:
        """Return the page for addresses that lead nowhere, and count it."""
        metrics.REQUESTS_WITHOUT_EVENT.labels("unknown").inc()
        return self._page(request, HTTPStatus.NOT_FOUND)

    def unresolved(self, request: HTTPConnection) -> Response:
        """Return the page for links that cannot be looked up at the moment, and count it."""
        metrics.REQUESTS_WITHOUT_EVENT.labels("unresolved").inc()
        return self._page(request, HTTPStatus.SERVICE_UNAVAILABLE, _RETRY)

    async def rejected(self, request: Request, error: Exception) -> Response:
        """Return the page of an error that a handler or the router raised."""
        if not isinstance(error, HTTPException):
            return self._page(request, HTTPStatus.INTERNAL_SERVER_ERROR)
        if error.status_code == HTTPStatus.NOT_FOUND:
            return self.not_found(request)
        return self._page(request, error.status_code, error.headers)

    def _page(
        self, request: HTTPConnection, status: int, headers: Mapping[str, str] | None = None
    ) -> Response:
        if accepts_html(request.headers.get("accept", "")):
            rendered = self._rendered(status, language_of(request))
            response = Response(rendered.body, status, rendered.headers)
        else:
            text = f"{HTTPStatus(status).phrase}\n"
            response = PlainTextResponse(text, status, {"cache-control": "no-store"})
        response.headers.update(headers or {})
        return response

    def _render(self, status: int, language: str) -> Response:
        return self._templates.render(_PAGE, language, status, code=status)
