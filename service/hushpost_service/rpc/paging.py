"""Page tokens: the position where the next page of a list starts, opaque to clients (AIP-158)."""

import base64
import binascii

from hushpost_service.domain.errors import HushpostError, Reason
from hushpost_service.domain.validation import is_id

__all__ = [
    "checked_skip",
    "id_page_start",
    "id_page_token",
    "invalid_page_token",
    "page_start",
    "page_token",
    "parse_number",
    "text_page_start",
    "text_page_token",
]

_MAX = 2**63 - 1
_MAX_DIGITS = 19


def page_token(kind: str, *position: int) -> str:
    """Return the token of the page after a position; `kind` names the list."""
    return _encoded(":".join((kind, *map(str, position))))


def id_page_token(kind: str, after: str) -> str:
    """Return the token of the page after an id, of a list that is sorted by ids."""
    return _encoded(f"{kind}:{after}")


def page_start(kind: str, token: str, count: int = 1) -> tuple[int, ...] | None:
    """Return the `count` numbers of a token's position; None for an empty token (first page).

    Raises PAGE_TOKEN_INVALID, also for a token of another list.
    """
    if not token:
        return None
    try:
        numbers = tuple(parse_number(part) for part in _position(kind, token).split(":"))
    except ValueError:
        raise invalid_page_token() from None
    if len(numbers) != count:
        raise invalid_page_token()
    return numbers


def id_page_start(kind: str, token: str) -> str:
    """Return the id of a token of `id_page_token`; "" for an empty token (first page).

    Raises PAGE_TOKEN_INVALID, also for a token of another list.
    """
    if not token:
        return ""
    after = _position(kind, token)
    if not is_id(after):
        raise invalid_page_token()
    return after


def text_page_token(kind: str, number: int, text: str) -> str:
    """Return the token of the page after a text and a number, of a list sorted by texts."""
    return _encoded(f"{kind}:{number}:{text}")


def text_page_start(kind: str, token: str) -> tuple[str, int] | None:
    """Return text and number of a token of `text_page_token`; None for an empty token.

    Raises PAGE_TOKEN_INVALID, also for a token of another list.
    """
    if not token:
        return None
    number, _, text = _position(kind, token).partition(":")
    try:
        if "\x00" in text:
            raise ValueError
        return text, parse_number(number)
    except ValueError:
        raise invalid_page_token() from None


def checked_skip(skip: int) -> int:
    """Return the number of items to skip before a page. Raises FIELD_INVALID."""
    if skip < 0:
        raise HushpostError(Reason.FIELD_INVALID, "skip must not be negative", {"field": "skip"})
    return skip


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


def _encoded(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode()


def _position(kind: str, token: str) -> str:
    """Return the position in a token of a list. Raises PAGE_TOKEN_INVALID."""
    try:
        text = base64.b64decode(token, b"-_", validate=True).decode()
    except (ValueError, binascii.Error):
        raise invalid_page_token() from None
    token_kind, _, position = text.partition(":")
    if token_kind != kind:
        raise invalid_page_token()
    return position
