"""Reads and writes the session of a request."""

from starlette.requests import Request
from starlette.responses import Response

from hushpost_dashboard.cookies import Cookie
from hushpost_dashboard.request_origin import RequestOrigin
from hushpost_dashboard.sessions import SESSION_SECONDS, Session, Sessions

__all__ = ["SessionCookie"]


class SessionCookie:
    """Opens, starts and ends the session in a browser's cookie."""

    def __init__(self, sessions: Sessions, origin: RequestOrigin) -> None:
        self._sessions = sessions
        self._cookie = Cookie("hushpost_session", origin, SESSION_SECONDS)

    def open(self, request: Request) -> Session | None:
        """Return the session of a request; None if there is none that is valid."""
        return self._sessions.open(self._cookie.read(request))

    def start(
        self, request: Request, response: Response, api_key: str, tenant_id: str | None
    ) -> None:
        """Start a session, and end the one that the browser had."""
        earlier = self.open(request)
        if earlier is not None:
            self._sessions.end(earlier)
        session = self._sessions.start(api_key, tenant_id)
        self._cookie.set(request, response, self._sessions.seal(session))

    def end(self, request: Request, response: Response) -> None:
        """End the session, so that copies of its cookie are invalid, too."""
        session = self.open(request)
        if session is not None:
            self._sessions.end(session)
        self._cookie.delete(request, response)
