"""What one row says about one contact."""

from collections.abc import Callable
from functools import partial
from typing import Literal, NamedTuple, TypeAlias

from hushpost_cli.contacts_file.layout import Layout
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
# FALSE from a blank is told apart in the change log, so that proof of consent
# never rests on it.
_EMPTY = {
    "false": (DoNotTrack.FALSE, PreferenceSource.IMPORT_EMPTY_CELL),
    "unset": (DoNotTrack.UNSET, PreferenceSource.IMPORT),
}


class Contact(NamedTuple):
    """A contact of a row. None: the row leaves the preference alone."""

    contact_id: str
    do_not_track: DoNotTrack | None
    source: PreferenceSource


def read_contact(cells: list[str], layout: Layout, empty_as: EmptyAs) -> Contact:
    """Read a row.

    Args:
        cells: The row; may end before the last columns.
        layout: What the header says.
        empty_as: What an empty cell of the preference means. A row that ends
            before that column says nothing and leaves the preference alone.

    Raises:
        BadRowError: if the row can't be imported.
    """
    contact_id = read_contact_id(cells, layout)
    column = layout.do_not_track
    if column is None or len(cells) <= column:
        return Contact(contact_id, None, PreferenceSource.IMPORT)
    return Contact(contact_id, *_preference(cells[column], empty_as))


def reader(empty_as: EmptyAs) -> Callable[[list[str], Layout], Contact]:
    """Answer `read_contact` for one meaning of an empty cell."""
    return partial(read_contact, empty_as=empty_as)


def _preference(cell: str, empty_as: EmptyAs) -> tuple[DoNotTrack, PreferenceSource]:
    value = cell.strip().lower()
    if not value:
        return _EMPTY[empty_as]
    try:
        return _VALUES[value], PreferenceSource.IMPORT
    except KeyError:
        shown = cell if len(cell) <= 40 else cell[:40] + "…"  # noqa: PLR2004
        raise BadRowError(f"doNotTrack is {shown!r}, not true, false, 1, 0, yes, no") from None
