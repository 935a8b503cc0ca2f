"""Files of the log, as CSV or JSON Lines: entries with their digests, then an end."""

import csv
import json
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any, Literal, NamedTuple, TextIO, TypeAlias

from hushpost_cli.consent_log.record import START, Record, next_digest
from hushpost_documents.formulas import guard, unguard

__all__ = ["End", "Entry", "Format", "LogFileError", "LogWriter", "read_log"]

Format: TypeAlias = Literal["csv", "jsonl"]

_DIGEST = "digest"
_END = "end"
_COLUMNS = [*Record._fields, _DIGEST]


class LogFileError(Exception):
    """A file can't be read as a log. The message starts with a verb: "is empty"."""


class Entry(NamedTuple):
    """An entry of a file: the number of its line, its content, and its digest as written."""

    line: int
    record: Record
    digest: str


class End(NamedTuple):
    """The end of a file: the number of its line, the number of entries, the last digest."""

    line: int
    entries: str
    digest: str


class LogWriter:
    """Writes entries with their digests.

    Attributes:
        entries: Entries written so far.
        digest: The digest of the last one.
    """

    def __init__(self, text: TextIO, file_format: Format) -> None:
        self.entries = 0
        self.digest = START
        self._text = text
        self._csv: Any = None
        if file_format == "csv":
            # With "\n" as the line terminator, Python does not quote cells with "\r".
            self._csv = csv.writer(text, lineterminator="\r\n")
            self._csv.writerow(_COLUMNS)

    def add(self, record: Record) -> None:
        """Write an entry."""
        self.entries += 1
        self.digest = next_digest(self.digest, record)
        if self._csv:
            self._csv.writerow([*map(guard, record), self.digest])
        else:
            self._write({**record._asdict(), _DIGEST: self.digest})

    def end(self) -> None:
        """Write the end, without which the file would be cut off."""
        if self._csv:
            blank = [""] * (len(_COLUMNS) - 3)
            self._csv.writerow([_END, self.entries, *blank, self.digest])
        else:
            self._write({_END: str(self.entries), _DIGEST: self.digest})

    def _write(self, fields: dict[str, str]) -> None:
        self._text.write(json.dumps(fields, ensure_ascii=False) + "\n")


def read_log(path: Path) -> Iterator[Entry | End]:
    """Yield the entries of a file, and its end if it has one.

    Raises:
        LogFileError: The file is not a log.
        OSError: The file can't be read.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as text:
            first = text.readline()
            if not first:
                raise LogFileError("is empty")
            if first.startswith("{"):
                yield from _json_lines(chain([first], text))
            else:
                yield from _csv_rows(csv.reader(chain([first], text), strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise LogFileError(f"can't be read: {error}") from error


def _json_lines(lines: Iterator[str]) -> Iterator[Entry | End]:
    for number, line in enumerate(lines, 1):
        try:
            fields = json.loads(line)
            digest = fields.pop(_DIGEST)
            if not all(isinstance(text, str) for text in (*fields.values(), digest)):
                raise TypeError
            if list(fields) == [_END]:
                yield End(number, fields[_END], digest)
            else:
                yield Entry(number, Record(**fields), digest)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise LogFileError(f"has no entry on line {number}") from error


def _csv_rows(rows: Any) -> Iterator[Entry | End]:
    if next(rows) != _COLUMNS:
        raise LogFileError("has other columns than a log of consent")
    for cells in rows:
        if len(cells) != len(_COLUMNS):
            raise LogFileError(f"has no entry on line {rows.line_num}")
        if cells[0] == _END:
            yield End(rows.line_num, cells[1], cells[-1])
        else:
            yield Entry(rows.line_num, Record(*map(unguard, cells[:-1])), cells[-1])
