"""Parses the rows of a contacts file, and rejects bad ones."""

import re
from collections.abc import Callable, Generator
from typing import TypeVar

from hushpost_cli.contacts_file.csv_file import ContactsFile, Row
from hushpost_cli.contacts_file.header import Header
from hushpost_documents.formulas import unguard

__all__ = ["BadRowError", "parse_rows", "read_contact_id"]

_MAX_CONTACT_ID_BYTES = 128
# The same rule as the authority's: C0, C1 and the two Unicode line separators.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")

T = TypeVar("T")


class BadRowError(ValueError):
    """A row that can't be used; the message says why."""


def parse_rows(
    file: ContactsFile,
    read: Callable[[list[str], Header], T],
    reject: Callable[[Row, str], None],
    progress: Callable[[int], None],
) -> Generator[tuple[Row, T]]:
    """Yield the good rows of a file, each with what it was parsed to.

    Args:
        file: The file to read.
        read: Parses the cells of a row. Raises BadRowError.
        reject: Called with each bad row and the reason.
        progress: Called before each row with the number of rows so far.

    Raises:
        FileError: The file can't be read to its end.
    """
    for rows, row in enumerate(file.rows(), 1):
        progress(rows)
        try:
            if row.error:
                raise BadRowError(row.error)
            value = read(row.cells, file.header)
        except BadRowError as error:
            reject(row, str(error))
            continue
        yield row, value


def read_contact_id(cells: list[str], header: Header) -> str:
    """Return the contact id of a row, which may end before the last columns.

    An apostrophe with which an export guards an id that looks like a formula is removed.

    Raises:
        BadRowError: The contact id is missing, invalid or ambiguous.
    """
    if len(cells) > len(header.columns) and any(cells[len(header.columns) :]):
        # An unquoted delimiter shifts the following cells into other columns.
        raise BadRowError(f"has {len(cells)} cells, the header has {len(header.columns)}")
    if len(cells) <= header.contact_id:
        raise BadRowError("ends before the column contact_id")
    contact_id = unguard(cells[header.contact_id])
    _check_contact_id(contact_id)
    return contact_id


def _check_contact_id(contact_id: str) -> None:
    if not contact_id.strip():
        raise BadRowError("contact_id is empty")
    if contact_id != contact_id.strip():
        # Stripping the blanks could yield the id of another contact.
        raise BadRowError("contact_id has leading or trailing blanks")
    if len(contact_id.encode()) > _MAX_CONTACT_ID_BYTES:
        raise BadRowError(f"contact_id is longer than {_MAX_CONTACT_ID_BYTES} bytes")
    if not contact_id.isprintable() and _CONTROL.search(contact_id):
        raise BadRowError("contact_id contains a control character")
