"""Checks the whole file before anything is written."""

from collections.abc import Callable
from dataclasses import dataclass, field

from hushpost_cli.contacts_file.csv_file import ContactsFile
from hushpost_cli.contacts_file.rows import parse_rows
from hushpost_cli.contacts_file.summary import Summary
from hushpost_cli.importing.cells import EmptyAs, reader
from hushpost_client import DoNotTrack, PreferenceSource

__all__ = ["ImportSummary", "check_rows"]

# A bitmap of 16 MiB (a Bloom filter with one hash) for files of any size. Of a million
# contacts, about 4,000 look repeated without being so, which costs a dict entry each.
_BITS = 1 << 27


@dataclass(slots=True)
class ImportSummary(Summary):
    """The content of a file.

    Attributes:
        preferences: Rows by the preference that they set.
        empty: Rows that set it by an empty cell.
        last_lines: For contacts that may occur repeatedly with a preference: the line of
            the last such row, which counts.
    """

    preferences: dict[DoNotTrack | None, int] = field(default_factory=dict)
    empty: int = 0
    last_lines: dict[str, int] = field(default_factory=dict)

    def supersedes(self, contact_id: str, line: int) -> bool:
        """Return whether a later row sets the preference of the same contact."""
        return self.last_lines.get(contact_id, line) > line


def check_rows(
    file: ContactsFile, empty_as: EmptyAs, progress: Callable[[int], None]
) -> ImportSummary:
    """Read a file to its end without side effects.

    A file that can't be read to its end therefore changes nothing. The summary also finds
    the last row of each repeated contact: sending all rows would change the preference
    back and forth at every import, and anonymize events on the way.

    Args:
        file: The file to read.
        empty_as: The meaning of an empty preference cell.
        progress: Called with the number of rows so far.

    Raises:
        FileError: The file can't be read to its end.
    """
    summary = ImportSummary()
    seen = bytearray(_BITS >> 3)

    def count(rows: int) -> None:
        summary.rows = rows
        progress(rows)

    for line, contact in parse_rows(file, reader(empty_as), summary.reject, count):
        preference = contact.do_not_track
        summary.preferences[preference] = summary.preferences.get(preference, 0) + 1
        summary.empty += contact.source is PreferenceSource.IMPORT_EMPTY_CELL
        bit = hash(contact.contact_id) & (_BITS - 1)
        mask = 1 << (bit & 7)
        if not seen[bit >> 3] & mask:
            seen[bit >> 3] |= mask
        elif preference is not None:
            summary.last_lines[contact.contact_id] = line
    return summary
