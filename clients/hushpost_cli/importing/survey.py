"""Reads the whole file before anything is written."""

from collections.abc import Callable
from dataclasses import dataclass, field

from hushpost_cli.contacts_file.checked import Checked
from hushpost_cli.contacts_file.reading import ContactsFile
from hushpost_cli.contacts_file.rows import good_rows
from hushpost_cli.importing.rows import EmptyAs, reader
from hushpost_client import DoNotTrack, PreferenceSource

__all__ = ["Survey", "survey"]

# 16 MiB, whatever the size of the file. With a million contacts about 4,000
# are taken for repeated that are not, which costs a place in a dict each.
_BITS = 1 << 27


@dataclass(slots=True)
class Survey(Checked):
    """What a file holds.

    Attributes:
        preferences: How many rows set which preference.
        empty: How many of them by an empty cell.
        last_lines: For contacts that may stand more than once with a
            preference: the line of the last such row, the one that counts.
    """

    preferences: dict[DoNotTrack | None, int] = field(default_factory=dict)
    empty: int = 0
    last_lines: dict[str, int] = field(default_factory=dict)

    def supersedes(self, contact_id: str, line: int) -> bool:
        """Whether a later row says something else of the same contact."""
        return self.last_lines.get(contact_id, line) > line


def survey(file: ContactsFile, empty_as: EmptyAs, progress: Callable[[int], None]) -> Survey:
    """Read a file to its end.

    So a file that can't be read to its end changes nothing. And of a contact
    that stands more than once only the last row is sent: otherwise each run
    would set it to and fro, and fold its events on the way.

    Args:
        file: Its header has been read.
        empty_as: What an empty cell means.
        progress: Told the number of rows so far, after each.

    Raises:
        FileProblemError: if it can't be read to its end.
    """
    found = Survey()
    seen = bytearray(_BITS >> 3)

    def count(rows: int) -> None:
        found.rows = rows
        progress(rows)

    for line, contact in good_rows(file, reader(empty_as), found.reject, count):
        preference = contact.do_not_track
        found.preferences[preference] = found.preferences.get(preference, 0) + 1
        found.empty += contact.source is PreferenceSource.IMPORT_EMPTY_CELL
        bit = hash(contact.contact_id) & (_BITS - 1)
        mask = 1 << (bit & 7)
        if not seen[bit >> 3] & mask:
            seen[bit >> 3] |= mask
        elif preference is not None:
            found.last_lines[contact.contact_id] = line
    return found
