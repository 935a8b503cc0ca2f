"""Page tokens: where the next page starts, opaque to clients."""

import base64
import binascii

from hushpost_service.errors import HushpostError, Reason

__all__ = ["after", "page_token"]


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
        numbers = tuple(map(int, position))
    except (ValueError, binascii.Error):
        raise _invalid() from None
    in_range = all(0 <= number < 2**63 for number in numbers)
    if found != kind or len(numbers) != count or not in_range:
        raise _invalid()
    return numbers


def _invalid() -> HushpostError:
    return HushpostError(Reason.PAGE_TOKEN_INVALID, "page_token is not one that this list answered")
