"""Cookies that only this host gets, that scripts cannot read, and that other sites never send."""

from starlette.requests import Request
from starlette.responses import Response

from hushpost_dashboard.request_origin import RequestOrigin

__all__ = ["Cookie"]


class Cookie:
    """A cookie.

    Over https, its name has the prefix `__Host-`: browsers then reject a cookie of that name
    from other subdomains and from unencrypted pages.

    Args:
        name: The name, without the prefix.
        origin: Tells whether a request is encrypted.
        max_age: How many seconds the browser keeps it; None until the browser is closed.
    """

    def __init__(self, name: str, origin: RequestOrigin, max_age: int | None = None) -> None:
        self._name = name
        self._origin = origin
        self._max_age = max_age

    def read(self, request: Request) -> str:
        """Return the value, empty if there is none."""
        return request.cookies.get(self._full_name(request), "")

    def set(self, request: Request, response: Response, value: str) -> None:
        """Set the cookie with a response."""
        response.set_cookie(
            self._full_name(request),
            value,
            max_age=self._max_age,
            path="/",
            secure=self._origin.is_https(request),
            httponly=True,
            samesite="strict",
        )

    def delete(self, request: Request, response: Response) -> None:
        """Delete the cookie with a response."""
        response.delete_cookie(
            self._full_name(request),
            path="/",
            secure=self._origin.is_https(request),
            httponly=True,
            samesite="strict",
        )

    def _full_name(self, request: Request) -> str:
        return f"__Host-{self._name}" if self._origin.is_https(request) else self._name
