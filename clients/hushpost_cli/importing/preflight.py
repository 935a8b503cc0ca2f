"""Checks the whole file before anything is written."""

from collections.abc import Callable
from dataclasses import dataclass, field

from hushpost_cli.contacts_file.csv_file import ContactsFile
from hushpost_cli.contacts_file.rows import parse_rows
from hushpost_cli.contacts_file.summary import Summary
from hushpost_cli.importing.cells import EmptyAs, reader
from hushpost_cli.importing.repeats import RepeatedContacts
from hushpost_client import DoNotTrack

__all__ = ["ImportSummary", "check_rows"]


@dataclass(slots=True)
class ImportSummary(Summary):
    """The content of a file.

    Attributes:
        preferences: Rows by the preference that they set.
        empty: Rows that set it by an empty cell.
        repeated: The rows that count for contacts with several rows.
    """

    preferences: dict[DoNotTrack | None, int] = field(default_factory=dict)
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
        preference = contact.do_not_track
        summary.preferences[preference] = summary.preferences.get(preference, 0) + 1
        summary.empty += contact.is_empty
        summary.repeated.add(contact, row.line)
    return summary
