"""Writes rejected rows to a file that can be corrected and imported."""

import csv
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TextIO

from hushpost_cli.contacts_file.csv_file import Row
from hushpost_cli.contacts_file.header import FileError, Header

__all__ = ["RejectedRows", "check_target", "default_path"]

_COLUMNS = ("line", "reason")


def default_path(path: Path, kind: str = "rejected") -> Path:
    """Return the path `contacts.rejected.csv` for `contacts.csv`, in the same folder."""
    return path.with_name(f"{path.stem}.{kind}.csv")


def check_target(target: Path, path: Path, kind: str = "rejected") -> None:
    """Raise FileError if the rejected rows would overwrite the input."""
    if target.resolve() == path.resolve():
        raise FileError(f"can't also be the file for {kind} rows; choose another --{kind}")


class RejectedRows:
    """A CSV file of rejected rows, with line number and reason in front.

    The file is created with the first rejected row and has the delimiter of the input.
    An import ignores its additional columns, so users can correct and import it.

    Attributes:
        path: The path of the file.
        count: Rows written so far.
    """

    def __init__(self, path: Path, header: Header, kind: str = "rejected") -> None:
        """Name the file; `kind` is the name of the option that sets its path."""
        self.path = path
        self._kind = kind
        self.count = 0
        self._header = header
        self._text: TextIO | None = None
        self._writer: Any = None

    def __enter__(self) -> Self:
        """Delete the file of an earlier run.

        Raises:
            FileError: Another kind of file has that name.
        """
        if self.path.exists():
            if not _has_rejected_rows(self.path):
                raise FileError(
                    f"can't write its {self._kind} rows to {self.path}, which has other "
                    f"content; choose another --{self._kind}"
                )
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
            # "x": fail if another process has created the file meanwhile.
            self._text = self.path.open("x", encoding="utf-8", newline="")
            self._writer = csv.writer(self._text, delimiter=self._header.delimiter)
            self._writer.writerow([*_COLUMNS, *self._header.columns])
        self._writer.writerow([row.line, reason, *row.cells])
        self.count += 1


def _has_rejected_rows(path: Path) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as file:
        start = file.read(11)
    return start in (b"line,reason", b"line;reason", b"line\treason")
