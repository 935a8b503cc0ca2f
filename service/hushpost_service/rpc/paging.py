"""Page tokens: the position where the next page of a list starts, opaque to clients (AIP-158)."""

import base64
import binascii

from hushpost_service.domain.errors import HushpostError, Reason

__all__ = ["invalid_page_token", "page_start", "page_token", "parse_number"]

_MAX = 2**63 - 1
_MAX_DIGITS = 19


def page_token(kind: str, *position: int) -> str:
    """Return the token of the page after a position; `kind` names the list."""
    text = ":".join((kind, *map(str, position)))
    return base64.urlsafe_b64encode(text.encode()).decode()


def page_start(kind: str, token: str, count: int = 1) -> tuple[int, ...] | None:
    """Return the `count` numbers of a token's position; None for an empty token (first page).

    Raises PAGE_TOKEN_INVALID, also for a token of another list.
    """
    if not token:
        return None
    try:
        token_kind, *position = (
            base64.b64decode(token, b"-_", validate=True).decode("ascii").split(":")
        )
        numbers = tuple(parse_number(part) for part in position)
    except (ValueError, binascii.Error):
        raise invalid_page_token() from None
    if token_kind != kind or len(numbers) != count:
        raise invalid_page_token()
    return numbers


def parse_number(text: str) -> int:
    """Parse a decimal number from 0 to 2**63 - 1. Raises ValueError."""
    if not (text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS):
        raise ValueError
    number = int(text)
    if number > _MAX:
        raise ValueError
    return number


def invalid_page_token() -> HushpostError:
    """Return PAGE_TOKEN_INVALID."""
    return HushpostError(
        Reason.PAGE_TOKEN_INVALID,
        "page_token must be empty or a next_page_token that this list returned",
    )
