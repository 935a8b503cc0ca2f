"""Reads a file of contacts row by row, in bounded memory."""

import codecs
import csv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, Self, TextIO

from hushpost_cli.contacts_file.layout import (
    DELIMITERS,
    FileProblemError,
    Layout,
    find_layout,
)

__all__ = ["ContactsFile", "Row"]

# Characters. A line beyond is no line of contacts but another kind of file,
# and must not be read into memory as a whole.
_MAX_LINE = 1 << 20


class Row(NamedTuple):
    """A row of the file.

    Attributes:
        line: The number of the physical line on which it starts, from 1.
        cells: Its cells; the raw text as one cell if there is a fault.
        fault: Why it can't be read as cells, or None.
    """

    line: int
    cells: list[str]
    fault: str | None


class ContactsFile:
    """A file of contacts whose header has been read. UTF-8, with or without BOM.

    Attributes:
        path: Where it is.
        size: Bytes.
        layout: What its header says.
        line: The last physical line read so far.
    """

    def __init__(self, path: Path, size: int, layout: Layout) -> None:
        self.path = path
        self.size = size
        self.layout = layout
        self.line = 0
        self._text: TextIO | None = None

    @classmethod
    def open(cls, path: Path, delimiter: str = "auto") -> Self:
        """Read the header of a file.

        Raises:
            FileProblemError: if it is none of ours.
        """
        if not path.is_file():
            # It is read twice, so a pipe will not do.
            raise FileProblemError("is not a regular file")
        candidates = DELIMITERS if delimiter == "auto" else (delimiter,)
        try:
            size = path.stat().st_size
            with _decoding(path), _open(path) as text:
                lines = _header_lines(text)
        except OSError as error:
            raise FileProblemError(f"can't be read: {error.strerror}") from error
        if not lines:
            raise FileProblemError("is empty: it has no header")
        return cls(path, size, find_layout(lines, candidates))

    @property
    def position(self) -> int:
        """How many bytes have been read."""
        if self._text is None:
            return 0
        return self.size if self._text.closed else self._text.buffer.tell()

    def rows(self) -> Iterator[Row]:
        """Go through the rows below the header; blank lines are left out.

        Raises:
            FileProblemError: if a line is not UTF-8, or far too long.
        """
        with _decoding(self.path), _open(self.path) as self._text:
            yield from self._rows(self._text)

    def _rows(self, text: TextIO) -> Iterator[Row]:
        raw: list[str] = []
        # strict: a quote in the wrong place is an error of its row. Guessing
        # could swallow the rows after it, and the opt-outs that they hold.
        reader = csv.reader(_lines(text, raw), delimiter=self.layout.delimiter, strict=True)
        header = True
        while True:
            start = reader.line_num + 1
            raw.clear()
            try:
                row = Row(start, next(reader), None)
            except StopIteration:
                return
            except csv.Error as error:
                row = Row(
                    start,
                    ["".join(raw).rstrip("\r\n")],
                    f"can't be read as CSV: {error}",
                )
            self.line = reader.line_num
            if row.cells and not header:
                yield row
            header = header and not row.cells


def _open(path: Path) -> TextIO:
    return path.open(encoding="utf-8-sig", newline="")


def _lines(text: TextIO, raw: list[str]) -> Iterator[str]:
    """Go through physical lines; each is noted in `raw` too, for rows with a fault."""
    number = 0
    while line := text.readline(_MAX_LINE):
        number += 1
        if len(line) == _MAX_LINE:
            raise FileProblemError(f"has more than {_MAX_LINE:,} characters on line {number}")
        raw.append(line)
        yield line


def _header_lines(text: TextIO) -> list[str]:
    """Answer the physical lines of the first row: more than one if it quotes newlines."""
    raw: list[str] = []
    lines: list[str] = []
    for line in _lines(text, raw):
        if lines or line.strip("\r\n"):
            lines.append(line)
            if "".join(lines).count('"') % 2 == 0:
                break
    return lines


@contextmanager
def _decoding(path: Path) -> Iterator[None]:
    """Turn a decoding error into a problem of the file that says where."""
    try:
        yield
    except UnicodeDecodeError as error:
        raise FileProblemError(_where_not_utf8(path)) from error


def _where_not_utf8(path: Path) -> str:
    with path.open("rb") as file:
        start = file.read(2)
        if start in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
            return "is UTF-16; save it as UTF-8"
        file.seek(0)
        offset = 0
        for number, line in enumerate(file, 1):
            try:
                line.decode()
            except UnicodeDecodeError as error:
                at = offset + error.start
                return (
                    f"is not UTF-8: byte 0x{line[error.start]:02x} at position {at:,}, "
                    f"line {number:,}; save it as UTF-8"
                )
            offset += len(line)
    return "is not UTF-8; save it as UTF-8"
