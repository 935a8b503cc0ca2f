"""Reads the rows of a contacts file in bounded memory."""

import codecs
import csv
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple, Self, TextIO

from hushpost_cli.contacts_file.header import (
    CONTACT_ID_ONLY,
    DELIMITERS,
    FileError,
    Header,
    Layout,
    read_header,
)
from hushpost_cli.contacts_file.lines import Lines

__all__ = ["UTF_8", "ContactsFile", "Row"]

UTF_8 = "utf-8"
UTF_16 = "utf-16"


# The lines that a cell must contain, and the columns that the file must have, for lines that
# look like rows to mean that a cell is not closed where it should be. With fewer, text with
# commas looks like that too.
_SWALLOWED = 3


_NAMED = {"tab": "\t"}


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
    """A contacts file with a valid header; UTF-8 with or without BOM, or another encoding.

    Attributes:
        path: The path of the file.
        place: The path next to which other files are written; its name is that of the file.
        size: Its size in bytes.
        header: Its columns.
        line: The number of the last physical line read so far.
    """

    def __init__(self, path: Path, place: Path, size: int, header: Header, encoding: str) -> None:
        self.path = path
        self.place = place
        self.size = size
        self.header = header
        self.line = 0
        self._encoding = encoding
        self._text: TextIO | None = None

    @classmethod
    def open(
        cls,
        path: Path,
        place: Path | None = None,
        delimiter: str = "auto",
        layout: Layout = CONTACT_ID_ONLY,
        encoding: str = UTF_8,
    ) -> Self:
        """Open a file and read its header.

        Args:
            path: The path of the file.
            place: See the attribute; None for `path`.
            delimiter: A character, "tab", or "auto" to detect it.
            layout: The columns to find.
            encoding: The name of its encoding.

        Raises:
            FileError: The file is not a readable contacts file.
        """
        if not path.exists():
            raise FileError("does not exist")
        if not path.is_file():
            # The file is read twice, which a pipe does not support.
            raise FileError("is not a regular file; pass - to read standard input")
        candidates = DELIMITERS if delimiter == "auto" else (_NAMED.get(delimiter, delimiter),)
        try:
            size = path.stat().st_size
            with _decoding(path, encoding), _open(path, encoding) as text:
                lines = _header_lines(text)
        except OSError as error:
            raise FileError(f"can't be read: {error.strerror}") from error
        if not lines:
            raise FileError("is empty: it has no header")
        header = read_header(lines, candidates, layout)
        return cls(path, place or path, size, header, encoding)

    @property
    def name(self) -> str:
        """The name of the file, for messages."""
        return self.place.name

    @property
    def position(self) -> int:
        """The number of bytes read so far."""
        if self._text is None:
            return 0
        return self.size if self._text.closed else self._text.buffer.tell()

    def rows(self) -> Iterator[Row]:
        """Yield the rows below the header, without blank lines.

        A stray quote lets a cell extend over the lines that follow. A malformed row
        therefore ends with its first line, and the others are parsed again. Those that have
        another number of cells than the header may be the rest of the row, and count as
        malformed too.

        Raises:
            FileError: A line is not in the encoding of the file, or far too long.
        """
        encoding = self._encoding
        with _decoding(self.path, encoding), _open(self.path, encoding) as self._text:
            yield from self._rows(self._text)

    def _rows(self, text: TextIO) -> Iterator[Row]:
        lines = Lines(text)
        # strict: a misplaced quote is an error of its row. A lenient parser could swallow
        # the following rows, including their opt-outs.
        reader = csv.reader(lines, delimiter=self.header.delimiter, strict=True)
        header = True
        doubt = _Doubt(self.header)
        while True:
            start = lines.start_row()
            try:
                cells = next(reader)
                error = doubt.error(start, cells, lines.row)
            except StopIteration:
                return
            except csv.Error as caught:
                error = f"can't be read as CSV: {caught}"
                doubt.begin(start, lines.number)
            if error:
                lines.read_again()
                cells = ["".join(lines.row).rstrip("\r\n")]
            self.line = lines.number
            if cells and not header:
                yield Row(start, cells, error)
            header = header and not cells


class _Doubt:
    """Remembers the lines that may be the rest of a malformed row."""

    def __init__(self, header: Header) -> None:
        self._delimiter = header.delimiter
        self._columns = len(header.columns)
        self._row = self._last_line = 0
        self._is_certain = False

    def begin(self, line: int, last_line: int, *, is_certain: bool = False) -> None:
        """Doubt the lines after a malformed row; they are bad if that is certain."""
        if line > self._last_line:
            self._row, self._is_certain = line, is_certain
        self._last_line = max(self._last_line, last_line)

    def error(self, line: int, cells: list[str], row: list[str]) -> str | None:
        """Return why a row can't be used, if so."""
        if len(row) >= _SWALLOWED and self._columns >= _SWALLOWED and self._has_rows(row[1:]):
            self.begin(line, line + len(row) - 1, is_certain=True)
            return "has a quoted cell with lines that look like rows"
        in_doubt = self._is_certain or len(cells) != self._columns
        if cells and in_doubt and line <= self._last_line:
            return f"may belong to line {self._row}, whose quotes are wrong"
        return None

    def _has_rows(self, lines: list[str]) -> bool:
        return all(line.count(self._delimiter) == self._columns - 1 for line in lines)


def _open(path: Path, encoding: str) -> TextIO:
    # utf-8-sig also reads files without a BOM.
    return path.open(encoding="utf-8-sig" if encoding == UTF_8 else encoding, newline="")


def _header_lines(text: TextIO) -> list[str]:
    """Return the first physical lines that are not blank: enough for the header."""
    lines = Lines(text)
    with suppress(csv.Error, StopIteration):
        while not next(lines).strip("\r\n"):
            lines.start_row()
        while True:
            next(lines)
    return lines.row


@contextmanager
def _decoding(path: Path, encoding: str) -> Iterator[None]:
    """Turn a decoding error into a FileError with its position."""
    try:
        yield
    except UnicodeError as error:
        raise FileError(_encoding_error(path, encoding)) from error


def _encoding_error(path: Path, encoding: str) -> str:
    problem = f"is not {encoding.upper()}"
    advice = "; choose its --encoding"
    with path.open("rb") as file:
        start = file.read(2)
        if start in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) and encoding == UTF_8:
            return f"is UTF-16{advice}"
        if encoding == UTF_16:  # a line feed is more than one byte
            return problem + advice
        file.seek(0)
        offset = 0
        for number, line in enumerate(file, 1):
            try:
                line.decode(encoding)
            except UnicodeDecodeError as error:
                at = offset + error.start
                return (
                    f"{problem}: byte 0x{line[error.start]:02x} at position {at:,}, "
                    f"line {number:,}{advice}"
                )
            offset += len(line)
    return problem + advice
