"""The address to go to after signing in, and other addresses of the dashboard's pages."""

import re
from urllib.parse import urlencode

from starlette.requests import Request

__all__ = ["FIRST_PAGE", "local_path", "requested_path", "sign_in_path"]

FIRST_PAGE = "/campaigns"

_LOCAL = re.compile(r"/(?:campaigns|compare)(?:[/?][!-~]*)?")
_MAX_LENGTH = 2_000


def local_path(text: str) -> str:
    """Return the path of one of the dashboard's pages, or of the first page for any other text.

    Only printable ASCII after a known prefix is accepted, so the result is neither an address
    of another host nor can it end a header.
    """
    if len(text) <= _MAX_LENGTH and _LOCAL.fullmatch(text) and "\\" not in text:
        return text
    return FIRST_PAGE


def requested_path(request: Request) -> str:
    """Return the address of a request for a page, to return to later; else of the first page."""
    if request.method not in {"GET", "HEAD"}:
        return FIRST_PAGE
    query: bytes = request.scope["query_string"]
    path: bytes = request.scope["raw_path"] + (b"?" + query if query else b"")
    return local_path(path.decode("latin-1"))


def sign_in_path(next_page: str, *, has_ended: bool = False) -> str:
    """Return the address of the sign-in page that leads to another page.

    Args:
        next_page: The page that follows.
        has_ended: Whether to say that the session has ended because of its key.
    """
    parameters = {"ended": "1"} if has_ended else {}
    if next_page != FIRST_PAGE:
        parameters["next"] = next_page
    return "/sign-in" + (f"?{urlencode(parameters, safe='/')}" if parameters else "")
