"""Finds requests without headers that their browser always sends: programs that pretend.

Browsers always send `Accept-Language`. To https URLs, current ones also send `Sec-Fetch-Mode`:
`navigate` for a link that is followed, another mode for an image (Fetch Metadata Request Headers,
W3C). Whether the client uses https is only known from a trusted proxy. Mail programs are not
checked: what they send is documented nowhere.
"""

from hushpost_edge.event_reasons import Reason
from hushpost_edge.request_info import RequestInfo

__all__ = ["header_fault"]

_NAVIGATE = b"navigate"


def header_fault(link: int, info: RequestInfo, *, is_browser: bool) -> Reason | None:
    """Return what is wrong with the headers of an open (link 0) or a click, None if nothing.

    Args:
        link: The number of the link.
        info: The request.
        is_browser: Whether the user agent is that of a current browser.
    """
    if info.fetch_mode:
        if (info.fetch_mode == _NAVIGATE) is not (link != 0):
            return Reason.FETCH_MODE
    elif is_browser and info.is_https:
        return Reason.NO_FETCH_MODE
    if is_browser and not info.has_language:
        return Reason.NO_LANGUAGE
    return None
