"""Parses the cells of an imported row."""

from collections.abc import Callable
from functools import partial
from typing import Literal, NamedTuple, TypeAlias

from hushpost_cli.contacts_file.header import Header, shown
from hushpost_cli.contacts_file.rows import BadRowError, read_contact_id
from hushpost_client import DoNotTrack, PreferenceSource

__all__ = ["Contact", "EmptyAs", "read_contact", "reader"]

EmptyAs: TypeAlias = Literal["false", "unset"]

_VALUES = {
    "true": DoNotTrack.TRUE,
    "1": DoNotTrack.TRUE,
    "yes": DoNotTrack.TRUE,
    "false": DoNotTrack.FALSE,
    "0": DoNotTrack.FALSE,
    "no": DoNotTrack.FALSE,
}
# The change log marks FALSE from an empty cell, because a blank proves no consent.
_EMPTY = {
    "false": (DoNotTrack.FALSE, PreferenceSource.IMPORT_EMPTY_CELL),
    "unset": (DoNotTrack.UNSET, PreferenceSource.IMPORT),
}


class Contact(NamedTuple):
    """The contact of a row.

    Attributes:
        contact_id: The tenant's id.
        do_not_track: None if the row leaves the preference unchanged.
        source: IMPORT_EMPTY_CELL if an empty cell means FALSE.
    """

    contact_id: str
    do_not_track: DoNotTrack | None
    source: PreferenceSource

    @property
    def is_empty(self) -> bool:
        """Whether an empty cell sets the preference."""
        # No cell says UNSET.
        return (
            self.source is PreferenceSource.IMPORT_EMPTY_CELL
            or self.do_not_track is DoNotTrack.UNSET
        )


def read_contact(cells: list[str], header: Header, empty_as: EmptyAs) -> Contact:
    """Parse a row.

    Args:
        cells: The row; may end before the last columns.
        header: The columns of the file.
        empty_as: The meaning of an empty preference cell. A row that ends before that
            column leaves the preference unchanged.

    Raises:
        BadRowError: The row can't be imported.
    """
    contact_id = read_contact_id(cells, header)
    column = header.do_not_track
    if column is None or len(cells) <= column:
        return Contact(contact_id, None, PreferenceSource.IMPORT)
    return Contact(contact_id, *_preference(cells[column], empty_as))


def reader(empty_as: EmptyAs) -> Callable[[list[str], Header], Contact]:
    """Return `read_contact` for one meaning of an empty cell."""
    return partial(read_contact, empty_as=empty_as)


def _preference(cell: str, empty_as: EmptyAs) -> tuple[DoNotTrack, PreferenceSource]:
    value = cell.strip().lower()
    if not value:
        return _EMPTY[empty_as]
    try:
        return _VALUES[value], PreferenceSource.IMPORT
    except KeyError:
        raise BadRowError(
            f"doNotTrack is {shown(cell)!r}, not true, false, 1, 0, yes, no"
        ) from None
