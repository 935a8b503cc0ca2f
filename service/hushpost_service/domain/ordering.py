"""The field `order_by` of lists (AIP-132). Pure."""

from collections.abc import Collection
from dataclasses import dataclass

from hushpost_service.domain.errors import HushpostError, Reason

__all__ = ["OrderBy", "checked_order_by"]

_DIRECTIONS = {"asc": False, "desc": True}


@dataclass(frozen=True, slots=True)
class OrderBy:
    """The field that a list is sorted by, and the direction."""

    field: str
    is_descending: bool = False


def checked_order_by(text: str, fields: Collection[str]) -> OrderBy | None:
    """Parse a field and an optional `asc` or `desc`; return None for an empty text.

    Raises FIELD_INVALID.
    """
    words = text.split()
    if not words:
        return None
    field, direction = words if len(words) == 2 else (words[0], "asc")  # noqa: PLR2004
    if len(words) > 2 or field not in fields or direction not in _DIRECTIONS:  # noqa: PLR2004
        raise HushpostError(
            Reason.FIELD_INVALID,
            f"order_by must be one of {', '.join(fields)}, or one of them and asc or desc",
            {"field": "order_by"},
        )
    return OrderBy(field, _DIRECTIONS[direction])
