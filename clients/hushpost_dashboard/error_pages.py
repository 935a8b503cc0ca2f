"""The pages for everything that can go wrong, and the end of sessions whose key was revoked."""

from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any

import structlog
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from hushpost_client import (
    HushpostError,
    InvalidArgumentError,
    NotFoundError,
    PermissionDeniedError,
    UnauthenticatedError,
)
from hushpost_dashboard import metrics
from hushpost_dashboard.next_page import requested_path, sign_in_path
from hushpost_dashboard.page_templates import PageTemplates
from hushpost_dashboard.session_cookie import SessionCookie
from hushpost_runtime.call_id import new_call_id

__all__ = ["ErrorPages"]

_log = structlog.get_logger(__name__)

_RETRY_SECONDS = "30"

_Handler = Callable[[Request, Any], Awaitable[Response]]


class ErrorPages:
    """Turns exceptions of handlers into pages.

    Pages of failures have an id, which the log has too: that of the call that failed, if the error
    came from the authority.
    """

    def __init__(self, templates: PageTemplates, session_cookie: SessionCookie) -> None:
        self._templates = templates
        self._session_cookie = session_cookie

    def handlers(self) -> Mapping[Any, _Handler]:
        """Return the exception handlers of the Starlette application."""
        return {
            HTTPException: self.http_error,
            NotFoundError: self.not_found,
            InvalidArgumentError: self.not_found,
            UnauthenticatedError: self.key_ended,
            PermissionDeniedError: self.key_ended,
            HushpostError: self.authority_error,
            Exception: self.unexpected,
        }

    async def http_error(self, request: Request, error: HTTPException) -> Response:
        """Return the page for a status such as 404 or 413."""
        response = self.page(request, error.status_code)
        response.headers.update(error.headers or {})
        return response

    async def not_found(self, request: Request, _error: HushpostError) -> Response:
        """Return the page for a campaign that does not exist."""
        return self.page(request, HTTPStatus.NOT_FOUND)

    async def key_ended(self, request: Request, _error: HushpostError) -> Response:
        """End the session, because its key was revoked or has expired."""
        metrics.ERRORS.labels("key_ended").inc()
        target = sign_in_path(requested_path(request), has_ended=True)
        response = RedirectResponse(target, HTTPStatus.SEE_OTHER)
        self._session_cookie.end(request, response)
        return response

    async def authority_error(self, request: Request, error: HushpostError) -> Response:
        """Return the page for an authority that is down or overloaded."""
        call_id = error.call_id or new_call_id()
        _log.warning("call to the authority failed", reason=str(error.reason), call_id=call_id)
        return self.unavailable(request, call_id)

    async def unexpected(self, request: Request, error: Exception) -> Response:
        """Return the page for a bug; the log has the exception's type."""
        call_id = new_call_id()
        _log.error("page failed", cause=type(error).__name__, call_id=call_id)
        return self.page(request, HTTPStatus.INTERNAL_SERVER_ERROR, call_id)

    def unavailable(self, request: Request, call_id: str | None = None) -> Response:
        """Return the page for a moment at which there are no numbers."""
        response = self.page(request, HTTPStatus.SERVICE_UNAVAILABLE, call_id)
        response.headers["retry-after"] = _RETRY_SECONDS
        return response

    def page(self, request: Request, status: int, call_id: str | None = None) -> Response:
        """Return the page of a status."""
        metrics.ERRORS.labels(str(status)).inc()
        return self._templates.render(request, "error.html", status, status=status, call_id=call_id)
