"""The contacts of the demo's tenant, and their import by `hushpost import`."""

import asyncio
import csv
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path

from hushpost_client import Mode
from hushpost_demo.failure import DemoError

__all__ = ["Contact", "contacts_file", "import_contacts", "read_contacts"]

_TRUE = ("true", "1", "yes")


@dataclass(frozen=True, slots=True)
class Contact:
    """A row of the file.

    Attributes:
        contact_id: The shop's id of it.
        group: The recipient group.
        do_not_track: As written; None where the row ends before it.
        name: Of the person.
        mailbox: The part of the mail address before the @.
    """

    contact_id: str
    group: str
    do_not_track: str | None
    name: str
    mailbox: str

    @property
    def wishes(self) -> Mode | None:
        """The mode that the file asks for, an empty cell being FALSE; None if it says nothing."""
        if self.do_not_track is None:
            return None
        return Mode.ANONYMOUS if self.do_not_track.lower() in _TRUE else Mode.IDENTIFIED


@contextmanager
def contacts_file() -> Iterator[Path]:
    """Lend the file that comes with the demo."""
    with as_file(files("hushpost_demo") / "contacts.csv") as path:
        yield path


def read_contacts(file: Path) -> list[Contact]:
    """Return who is in a file, and what it says of them."""
    with file.open(encoding="utf-8", newline="") as text:
        return [
            Contact(
                row["contact_id"], row["group"], row["doNotTrack"], row["name"], f"reader-{number}"
            )
            for number, row in enumerate(csv.DictReader(text), 1)
        ]


async def import_contacts(
    command: Path,
    environment: dict[str, str],
    file: Path,
    options: Sequence[str | Path],
) -> None:
    """Run `hushpost import`; what it says, and its progress bar, go to the terminal.

    Raises:
        DemoError: if it fails.
    """
    process = await asyncio.create_subprocess_exec(
        command, "import", file, *options, stdin=asyncio.subprocess.DEVNULL, env=environment
    )
    try:
        code = await process.wait()
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()
    if code:
        raise DemoError(f"hushpost import failed with exit code {code}")
