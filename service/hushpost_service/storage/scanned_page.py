"""Pages of lists with filters, for which one call reads a bounded number of rows.

A filter that matches few rows would otherwise make one call read a whole table. So a page
ends when it is full, or when `MAX_SCANNED` rows have been read. The statements return the last
row they read also if it does not match; the next page starts there.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

__all__ = ["MAX_SCANNED", "ScannedPage", "scanned_page"]

MAX_SCANNED = 10_000
"""The number of rows that one call reads at most."""

Item = TypeVar("Item")
Position = TypeVar("Position")


@dataclass(frozen=True, slots=True)
class ScannedPage(Generic[Item, Position]):
    """A page; it can be empty before the end of the list.

    Attributes:
        items: The matching items.
        next: The position after which the next page starts; None at the end of the list.
    """

    items: list[Item]
    next: Position | None


def scanned_page(
    rows: Sequence[Any], limit: int, convert: Callable[..., Item]
) -> ScannedPage[Item, Any]:
    """Convert rows to a page of at most `limit` items.

    Args:
        rows: At most `limit` + 1 rows of position, whether the row matches, whether it is the
            last that was read, and further columns.
        limit: The maximum number of items.
        convert: Takes the position and the further columns, and returns an item.
    """
    page = rows[:limit]
    items = [convert(position, *columns) for position, matches, _, *columns in page if matches]
    is_full = len(rows) > limit
    has_more = bool(page) and (is_full or page[-1]["is_last_scanned"])
    return ScannedPage(items, page[-1][0] if has_more else None)
