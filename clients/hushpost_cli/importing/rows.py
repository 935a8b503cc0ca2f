"""What one row says about one contact."""

import re
from typing import Literal, NamedTuple, TypeAlias

from hushpost_cli.importing.layout import Layout
from hushpost_client import DoNotTrack, PreferenceSource

__all__ = ["BadRowError", "Contact", "EmptyAs", "read_contact"]

EmptyAs: TypeAlias = Literal["false", "unset"]

_MAX_CONTACT_ID_BYTES = 128
# As the authority has it: C0, C1 and the two Unicode line ends.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")

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


class BadRowError(ValueError):
    """A row that can't be imported, with the reason for people."""


class Contact(NamedTuple):
    """A contact of a row. UNSPECIFIED: the row leaves the preference alone."""

    contact_id: str
    do_not_track: DoNotTrack
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
    if len(cells) > len(layout.header) and any(cells[len(layout.header) :]):
        # An unquoted delimiter has moved the cells after it: any of them may be
        # read as the preference.
        raise BadRowError(f"has {len(cells)} cells, the header has {len(layout.header)}")
    if len(cells) <= layout.contact_id:
        raise BadRowError("ends before the column contact_id")
    contact_id = cells[layout.contact_id]
    _check_contact_id(contact_id)
    column = layout.do_not_track
    if column is None or len(cells) <= column:
        return Contact(contact_id, DoNotTrack.UNSPECIFIED, PreferenceSource.IMPORT)
    return Contact(contact_id, *_preference(cells[column], empty_as))


def _preference(cell: str, empty_as: EmptyAs) -> tuple[DoNotTrack, PreferenceSource]:
    value = cell.strip().lower()
    if not value:
        return _EMPTY[empty_as]
    try:
        return _VALUES[value], PreferenceSource.IMPORT
    except KeyError:
        shown = cell if len(cell) <= 40 else cell[:40] + "…"  # noqa: PLR2004
        raise BadRowError(f"doNotTrack is {shown!r}, not true, false, 1, 0, yes, no") from None


def _check_contact_id(contact_id: str) -> None:
    if not contact_id.strip():
        raise BadRowError("contact_id is empty")
    if contact_id != contact_id.strip():
        # Taking the blanks off could set the preference of somebody else.
        raise BadRowError("contact_id has blanks around it")
    if len(contact_id.encode()) > _MAX_CONTACT_ID_BYTES:
        raise BadRowError(f"contact_id is longer than {_MAX_CONTACT_ID_BYTES} bytes")
    if not contact_id.isprintable() and _CONTROL.search(contact_id):
        raise BadRowError("contact_id holds a control character")
