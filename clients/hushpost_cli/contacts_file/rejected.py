"""The file of rows that could not be used."""

import csv
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TextIO

from hushpost_cli.contacts_file.layout import FileProblemError, Layout
from hushpost_cli.contacts_file.reading import Row

__all__ = ["RejectedFile", "check_target", "default_path"]

_COLUMNS = ("line", "reason")


def default_path(path: Path) -> Path:
    """Answer `contacts.rejected.csv` for `contacts.csv`, beside it."""
    return path.with_name(f"{path.stem}.rejected.csv")


def check_target(target: Path, path: Path) -> None:
    """Check that bad rows are not to go where they come from. Raises FileProblemError."""
    if target.resolve() == path.resolve():
        raise FileProblemError("can't be the file of rejected rows too")


class RejectedFile:
    """Rows with line number and reason, in the delimiter of the input.

    Exists only if there are such rows. Since its own columns are ignored by an
    import, it can be mended and imported as it is.
    """

    def __init__(self, path: Path, layout: Layout) -> None:
        self.path = path
        self.count = 0
        self._layout = layout
        self._text: TextIO | None = None
        self._writer: Any = None

    def __enter__(self) -> Self:
        """Take away the file of an earlier run.

        Raises:
            FileProblemError: if what stands there is not such a file.
        """
        if self.path.exists():
            if not _is_ours(self.path):
                raise FileProblemError(f"would overwrite {self.path}, which it did not write")
            self.path.unlink()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._text is not None:
            self._text.close()

    def add(self, row: Row, reason: str) -> None:
        """Write a row."""
        if self._writer is None:
            # x: somebody else's file that came meanwhile is not overwritten.
            self._text = self.path.open("x", encoding="utf-8", newline="")
            self._writer = csv.writer(self._text, delimiter=self._layout.delimiter)
            self._writer.writerow([*_COLUMNS, *self._layout.header])
        self._writer.writerow([row.line, reason, *row.cells])
        self.count += 1


def _is_ours(path: Path) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as file:
        start = file.read(11)
    return start in (b"line,reason", b"line;reason")
