"""Page tokens: where the next page starts, opaque to clients."""

import base64
import binascii

from hushpost_service.domain.errors import HushpostError, Reason

__all__ = ["after", "natural", "page_token"]


_MAX = 2**63 - 1
_MAX_DIGITS = 19


def page_token(kind: str, *position: int) -> str:
    """Return the token of a list's page that starts after a position."""
    text = ":".join((kind, *map(str, position)))
    return base64.urlsafe_b64encode(text.encode()).decode()


def after(kind: str, token: str, count: int = 1) -> tuple[int, ...] | None:
    """Return the position of a token, None for the first page. Raises PAGE_TOKEN_INVALID."""
    if not token:
        return None
    try:
        found, *position = base64.b64decode(token, b"-_", validate=True).decode("ascii").split(":")
        numbers = tuple(natural(part) for part in position)
    except (ValueError, binascii.Error):
        raise _invalid() from None
    if found != kind or len(numbers) != count:
        raise _invalid()
    return numbers


def natural(text: str) -> int:
    """Return a number from 0 that fits 63 bits. Raises ValueError."""
    if not (text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS):
        raise ValueError
    number = int(text)
    if number > _MAX:
        raise ValueError
    return number


def _invalid() -> HushpostError:
    return HushpostError(Reason.PAGE_TOKEN_INVALID, "page_token is not one that this list answered")
