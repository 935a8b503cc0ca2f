"""Finds the columns of a contacts file by its header."""

import csv
from dataclasses import dataclass

__all__ = ["DELIMITERS", "FileError", "Header", "column_list", "read_header", "shown"]

DELIMITERS = (",", ";", "\t")

_CONTACT_ID = "contactid"
_DO_NOT_TRACK = "donottrack"
_MAX_SHOWN = 40
_MAX_NAMES = 10


class FileError(Exception):
    """The file as a whole can't be used. The message starts with a verb: "is empty"."""


@dataclass(frozen=True, slots=True)
class Header:
    """The header of a contacts file.

    Attributes:
        delimiter: The character between cells.
        columns: The names of the columns, as written.
        contact_id: Index of the column contact_id.
        do_not_track: Index of the column doNotTrack; None if there is none.
    """

    delimiter: str
    columns: tuple[str, ...]
    contact_id: int
    do_not_track: int | None

    @property
    def ignored(self) -> tuple[str, ...]:
        """The names of the columns that are not used."""
        used = {self.contact_id, self.do_not_track}
        names = (shown(name) for index, name in enumerate(self.columns) if index not in used)
        return tuple(name for name in names if name)


def read_header(header_lines: list[str], delimiters: tuple[str, ...]) -> Header:
    """Parse a header with the first delimiter that yields a column contact_id.

    Args:
        header_lines: The first physical lines; the header may be followed by others.
        delimiters: The candidates, at least one.

    Raises:
        FileError: There is no column contact_id, or a column occurs twice.
    """
    for delimiter in delimiters:
        columns = _cells(header_lines, delimiter)
        names = [_normalized(name) for name in columns]
        if _CONTACT_ID in names:
            _check_duplicates(columns, names)
            preference = names.index(_DO_NOT_TRACK) if _DO_NOT_TRACK in names else None
            return Header(delimiter, tuple(columns), names.index(_CONTACT_ID), preference)
    if any("\0" in line for line in header_lines):
        raise FileError("contains NUL bytes; if it is UTF-16, save it as UTF-8")
    found = max((_cells(header_lines, delimiter) for delimiter in delimiters), key=len)
    first_line = column_list(tuple(map(shown, found))) or "nothing that is CSV"
    hint = "; check its quotes" if '"' in header_lines[0] else ""
    raise FileError(f"has no column contact_id; its first line has: {first_line}{hint}")


def column_list(names: tuple[str, ...]) -> str:
    """Return names of columns as text; of many, only the first ones."""
    more = len(names) - _MAX_NAMES
    return ", ".join(names[:_MAX_NAMES]) + (f" and {more:,} more" if more > 0 else "")


def shown(text: str) -> str:
    """Return text of the file for a message: on one line, short, without control characters."""
    text = text.strip()
    if len(text) > _MAX_SHOWN:
        text = text[:_MAX_SHOWN] + "…"
    return "".join(
        letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text
    )


def _cells(lines: list[str], delimiter: str) -> list[str]:
    try:
        return next(csv.reader(lines, delimiter=delimiter, strict=True), [])
    except csv.Error:  # quoted cells look malformed with the wrong delimiter
        return []


def _normalized(name: str) -> str:
    """Return a column name without case, blanks, hyphens and underscores.

    `Contact ID` and `do_not_track` are accepted: ignoring a misspelt preference column
    would lose opt-outs silently.
    """
    return "".join(letter for letter in name.casefold() if letter not in " _-")


def _check_duplicates(columns: list[str], names: list[str]) -> None:
    seen = set()
    for column, name in zip(columns, names, strict=True):
        if name and name in seen:
            raise FileError(f"has the column {shown(column)} twice")
        seen.add(name)
