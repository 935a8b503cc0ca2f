"""The contacts of the demo's tenant, and their import by `hushpost import`."""

import asyncio
import csv
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path

from hushpost_demo.failure import DemoError

__all__ = ["Contact", "contacts_file", "import_contacts", "read_contacts"]


@dataclass(frozen=True, slots=True)
class Contact:
    """A row of the file. `do_not_track` is None where the row ends before it."""

    contact_id: str
    group: str
    do_not_track: str | None


@contextmanager
def contacts_file() -> Iterator[Path]:
    """Lend the file that comes with the demo."""
    with as_file(files("hushpost_demo") / "contacts.csv") as path:
        yield path


def read_contacts(file: Path) -> list[Contact]:
    """Return who is in a file, and what it says of them."""
    with file.open(encoding="utf-8", newline="") as text:
        return [
            Contact(row["contact_id"], row["group"], row["doNotTrack"])
            for row in csv.DictReader(text)
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
