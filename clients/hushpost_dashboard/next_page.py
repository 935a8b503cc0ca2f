"""The address to go to after signing in, and other addresses of the dashboard's pages."""

import re
from urllib.parse import quote

__all__ = ["FIRST_PAGE", "campaign_path", "local_path", "sign_in_path"]

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


def sign_in_path(next_page: str) -> str:
    """Return the path of the sign-in page that leads to another page."""
    return "/sign-in" if next_page == FIRST_PAGE else f"/sign-in?next={quote(next_page, safe='/')}"


def campaign_path(campaign_id: str) -> str:
    """Return the path of a campaign's page. The id may contain any character."""
    return f"/campaigns/{quote(campaign_id, safe='')}"
