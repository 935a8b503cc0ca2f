"""Reads the rows of a contacts file in bounded memory."""

import codecs
import csv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, Self, TextIO

from hushpost_cli.contacts_file.header import (
    DELIMITERS,
    FileError,
    Header,
    read_header,
)

__all__ = ["ContactsFile", "Row"]

# In characters. A longer line means that the file does not contain contacts; it must not
# be read into memory as a whole.
_MAX_LINE = 1 << 20


class Row(NamedTuple):
    """A row of a contacts file.

    Attributes:
        line: The number of its first physical line, from 1.
        cells: Its cells; the raw text as a single cell if it is malformed.
        error: Why it can't be parsed; None if it can.
    """

    line: int
    cells: list[str]
    error: str | None


class ContactsFile:
    """A contacts file with a valid header, in UTF-8 with or without BOM.

    Attributes:
        path: The path of the file.
        size: Its size in bytes.
        header: Its columns.
        line: The number of the last physical line read so far.
    """

    def __init__(self, path: Path, size: int, header: Header) -> None:
        self.path = path
        self.size = size
        self.header = header
        self.line = 0
        self._text: TextIO | None = None

    @classmethod
    def open(cls, path: Path, delimiter: str = "auto") -> Self:
        """Open a file and read its header.

        Raises:
            FileError: The file is not a readable contacts file.
        """
        if not path.is_file():
            # The file is read twice, which a pipe does not support.
            raise FileError("is not a regular file")
        candidates = DELIMITERS if delimiter == "auto" else (delimiter,)
        try:
            size = path.stat().st_size
            with _decoding(path), _open(path) as text:
                lines = _header_lines(text)
        except OSError as error:
            raise FileError(f"can't be read: {error.strerror}") from error
        if not lines:
            raise FileError("is empty: it has no header")
        return cls(path, size, read_header(lines, candidates))

    @property
    def position(self) -> int:
        """The number of bytes read so far."""
        if self._text is None:
            return 0
        return self.size if self._text.closed else self._text.buffer.tell()

    def rows(self) -> Iterator[Row]:
        """Yield the rows below the header, without blank lines.

        Raises:
            FileError: A line is not UTF-8, or far too long.
        """
        with _decoding(self.path), _open(self.path) as self._text:
            yield from self._rows(self._text)

    def _rows(self, text: TextIO) -> Iterator[Row]:
        raw: list[str] = []
        # strict: a misplaced quote is an error of its row. A lenient parser could swallow
        # the following rows, including their opt-outs.
        reader = csv.reader(_lines(text, raw), delimiter=self.header.delimiter, strict=True)
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
    """Yield physical lines, and append each to `raw` for malformed rows."""
    number = 0
    while line := text.readline(_MAX_LINE):
        number += 1
        if len(line) == _MAX_LINE:
            raise FileError(f"has more than {_MAX_LINE:,} characters on line {number}")
        raw.append(line)
        yield line


def _header_lines(text: TextIO) -> list[str]:
    """Return the physical lines of the first row: several if a cell contains newlines."""
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
    """Turn a decoding error into a FileError with its position."""
    try:
        yield
    except UnicodeDecodeError as error:
        raise FileError(_encoding_error(path)) from error


def _encoding_error(path: Path) -> str:
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
