"""Lets only people who have signed in reach the pages with data.

Every path requires a session except those that are listed here, so a new page is protected
without further effort.
"""

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from hushpost_dashboard.connection import AuthorityClients, TooManyClientsError
from hushpost_dashboard.error_pages import ErrorPages
from hushpost_dashboard.next_page import requested_path, sign_in_path
from hushpost_dashboard.page_templates import PageTemplates
from hushpost_dashboard.session_cookie import SessionCookie

__all__ = ["Authentication"]

_PUBLIC = frozenset(("/healthz", "/readyz", "/metrics", "/sign-in"))
_PUBLIC_FOLDER = "/static/"


class Authentication:
    """Middleware that opens the session of a request.

    Handlers find these attributes in `request.state`:

    - `session`: the `Session`; None on public pages if no one has signed in.
    - `hushpost`: the client with the session's API key, for the time of the request; not on
      public pages.
    - `clients`: the `AuthorityClients`, for what takes longer than the request.
    """

    def __init__(
        self,
        app: ASGIApp,
        session_cookie: SessionCookie,
        clients: AuthorityClients,
        templates: PageTemplates,
        errors: ErrorPages,
    ) -> None:
        self._app = app
        self._session_cookie = session_cookie
        self._clients = clients
        self._templates = templates
        self._errors = errors

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        session = self._session_cookie.open(request)
        request.state.session = session
        request.state.clients = self._clients
        if _is_public(scope["path"]):
            await self._app(scope, receive, send)
        elif session is None:
            await self._sign_in(request)(scope, receive, send)
        else:
            try:
                async with self._clients.of_key(session.api_key) as hushpost:
                    request.state.hushpost = hushpost
                    await self._app(scope, receive, send)
            except TooManyClientsError:
                await self._errors.unavailable(request)(scope, receive, send)

    def _sign_in(self, request: Request) -> Response:
        """Return the response for a request without a session."""
        target = requested_path(request)
        if request.headers.get("sec-fetch-site") == "cross-site" and request.method == "GET":
            # A browser does not send the cookie if a link on another site leads here, only
            # with requests that this site causes.
            return self._templates.render(request, "continue.html", target=target)
        return RedirectResponse(sign_in_path(target), 303)


def _is_public(path: str) -> bool:
    return path in _PUBLIC or path.startswith(_PUBLIC_FOLDER)
