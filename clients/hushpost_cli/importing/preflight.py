"""Checks the whole file before anything is written."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from hushpost_cli.contacts_file.csv_file import ContactsFile
from hushpost_cli.contacts_file.rows import parse_rows
from hushpost_cli.contacts_file.summary import Summary
from hushpost_cli.importing.cells import EmptyAs, reader
from hushpost_cli.importing.decision import Wish
from hushpost_cli.importing.repeats import RepeatedContacts

__all__ = ["ImportSummary", "check_rows"]


@dataclass(slots=True)
class ImportSummary(Summary):
    """The content of a file.

    Attributes:
        opens: Rows by what they say about opens.
        clicks: Rows by what they say about clicks.
        empty: Rows that set it by an empty cell.
        repeated: The rows that count for contacts with several rows.
    """

    opens: Counter[Wish | None] = field(default_factory=Counter)
    clicks: Counter[Wish | None] = field(default_factory=Counter)
    empty: int = 0
    repeated: RepeatedContacts = field(default_factory=RepeatedContacts)


def check_rows(
    file: ContactsFile, empty_as: EmptyAs, progress: Callable[[int], None]
) -> ImportSummary:
    """Read a file to its end without side effects.

    A file that can't be read to its end therefore changes nothing.

    Args:
        file: The file to read.
        empty_as: The meaning of an empty preference cell.
        progress: Called with the number of rows so far.

    Raises:
        FileError: The file can't be read to its end.
    """
    summary = ImportSummary()

    def count(rows: int) -> None:
        summary.rows = rows
        progress(rows)

    for row, contact in parse_rows(file, reader(empty_as), summary.reject, count):
        summary.opens[contact.decision.opens] += 1
        summary.clicks[contact.decision.clicks] += 1
        summary.empty += contact.is_empty
        summary.repeated.add(contact, row.line)
    return summary
