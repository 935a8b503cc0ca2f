"""Reads the contacts file of the demo."""

import csv
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path

from hushpost_client import Mode

__all__ = ["Contact", "contacts_file", "read_contacts"]

_TRUE = ("true", "1", "yes")


@dataclass(frozen=True, slots=True)
class Contact:
    """A row of the file.

    Attributes:
        contact_id: The sender's id of the contact.
        group: The recipient group.
        do_not_track: The cell as written; None if the row has no such cell.
        name: The person's name.
        mailbox: The local part of the mail address.
    """

    contact_id: str
    group: str
    do_not_track: str | None
    name: str
    mailbox: str

    @property
    def expected_mode(self) -> Mode | None:
        """The mode by the file's preference (an empty cell means FALSE); None without a cell."""
        if self.do_not_track is None:
            return None
        return Mode.ANONYMOUS if self.do_not_track.lower() in _TRUE else Mode.IDENTIFIED


@contextmanager
def contacts_file() -> Iterator[Path]:
    """Provide the path of the contacts file in the package."""
    with as_file(files("hushpost_demo") / "contacts.csv") as path:
        yield path


def read_contacts(file: Path) -> list[Contact]:
    """Return the rows of a contacts file."""
    with file.open(encoding="utf-8", newline="") as text:
        return [
            Contact(
                row["contact_id"], row["group"], row["doNotTrack"], row["name"], f"reader-{number}"
            )
            for number, row in enumerate(csv.DictReader(text), 1)
        ]
