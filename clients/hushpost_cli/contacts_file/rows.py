"""Tells the rows of a file that can be used from those that can't."""

import re
from collections.abc import Callable, Generator
from typing import TypeVar

from hushpost_cli.contacts_file.layout import Layout
from hushpost_cli.contacts_file.reading import ContactsFile, Row

__all__ = ["BadRowError", "good_rows", "read_contact_id"]

_MAX_CONTACT_ID_BYTES = 128
# As the authority has it: C0, C1 and the two Unicode line ends.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")

T = TypeVar("T")


class BadRowError(ValueError):
    """A row that can't be used, with the reason for people."""


def good_rows(
    file: ContactsFile,
    read: Callable[[list[str], Layout], T],
    reject: Callable[[Row, str], None],
    progress: Callable[[int], None],
) -> Generator[tuple[int, T]]:
    """Go through the rows of a file that can be used, each with its line.

    Args:
        file: Its header has been read.
        read: Makes of cells what the caller wants. Raises BadRowError.
        reject: Told each other row, with the reason.
        progress: Told the number of rows so far, before each.

    Raises:
        FileProblemError: if the file can't be read to its end.
    """
    for rows, row in enumerate(file.rows(), 1):
        progress(rows)
        try:
            if row.fault:
                raise BadRowError(row.fault)
            value = read(row.cells, file.layout)
        except BadRowError as error:
            reject(row, str(error))
            continue
        yield row.line, value


def read_contact_id(cells: list[str], layout: Layout) -> str:
    """Read the contact of a row, which may end before the last columns.

    Raises:
        BadRowError: if there is none, or it may not be the one that was meant.
    """
    if len(cells) > len(layout.header) and any(cells[len(layout.header) :]):
        # An unquoted delimiter has moved the cells after it: any of them may be
        # read as another column's.
        raise BadRowError(f"has {len(cells)} cells, the header has {len(layout.header)}")
    if len(cells) <= layout.contact_id:
        raise BadRowError("ends before the column contact_id")
    contact_id = cells[layout.contact_id]
    _check_contact_id(contact_id)
    return contact_id


def _check_contact_id(contact_id: str) -> None:
    if not contact_id.strip():
        raise BadRowError("contact_id is empty")
    if contact_id != contact_id.strip():
        # Taking the blanks off could hit somebody else.
        raise BadRowError("contact_id has blanks around it")
    if len(contact_id.encode()) > _MAX_CONTACT_ID_BYTES:
        raise BadRowError(f"contact_id is longer than {_MAX_CONTACT_ID_BYTES} bytes")
    if not contact_id.isprintable() and _CONTROL.search(contact_id):
        raise BadRowError("contact_id holds a control character")
