"""Finds the columns of a contacts file by its header."""

import csv
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

__all__ = [
    "CONTACT_ID_ONLY",
    "DELIMITERS",
    "FileError",
    "Header",
    "Layout",
    "column_list",
    "contact_id_column",
    "named_layout",
    "normalized",
    "read_header",
    "shown",
]

DELIMITERS = (",", ";", "\t")

_CONTACT_ID = "contactid"
_MAX_SHOWN = 40
_MAX_NAMES = 10


class FileError(Exception):
    """The file as a whole can't be used. The message starts with a verb: "is empty"."""


@dataclass(frozen=True, slots=True)
class Layout:
    """The columns that a command uses.

    Attributes:
        contact: Returns the index of the column with the contact ids among the names of all
            columns; None if there is none.
        key: Returns the key under which the command reads a column, by the column's name;
            None if it does not use the column.
        contact_name: The name of the column with the contact ids, for messages.
    """

    contact: Callable[[Sequence[str]], int | None]
    key: Callable[[str], str | None]
    contact_name: str = "contact_id"


@dataclass(frozen=True, slots=True)
class Header:
    """The header of a contacts file.

    Attributes:
        delimiter: The character between cells.
        columns: The names of the columns, as written.
        contact_id: Index of the column with the contact ids.
        positions: Indexes of the other columns that are used, by the keys of the layout.
    """

    delimiter: str
    columns: tuple[str, ...]
    contact_id: int
    positions: Mapping[str, int] = field(default_factory=dict)

    @property
    def ignored(self) -> tuple[str, ...]:
        """The names of the columns that are not used."""
        used = {self.contact_id, *self.positions.values()}
        names = (shown(name) for index, name in enumerate(self.columns) if index not in used)
        return tuple(name for name in names if name)

    def cell(self, cells: Sequence[str], key: str) -> str | None:
        """Return a row's cell; None if the file lacks the column or the row ends before it."""
        position = self.positions.get(key)
        return cells[position] if position is not None and position < len(cells) else None


def contact_id_column(columns: Sequence[str]) -> int | None:
    """Return the index of the column contact_id; None if there is none."""
    return _index(_CONTACT_ID, columns)


CONTACT_ID_ONLY = Layout(contact_id_column, lambda _column: None)
"""The layout of commands that need nothing but the contacts."""


def named_layout(layout: Layout, contact_column: str) -> Layout:
    """Return a layout whose contact ids are in the column with a given name."""
    name = normalized(contact_column)
    return Layout(lambda columns: _index(name, columns), layout.key, shown(contact_column))


def read_header(header_lines: list[str], delimiters: tuple[str, ...], layout: Layout) -> Header:
    """Parse a header with the first delimiter that yields a column of contact ids.

    Args:
        header_lines: The first physical lines; the header may be followed by others.
        delimiters: The candidates, at least one.
        layout: The columns to find.

    Raises:
        FileError: There is no column of contact ids, or a column occurs twice.
    """
    for delimiter in delimiters:
        columns = _cells(header_lines, delimiter)
        contact_id = layout.contact(columns)
        if contact_id is not None:
            _check_duplicates(columns)
            positions = _positions(columns, layout.key)
            return Header(delimiter, tuple(columns), contact_id, positions)
    if any("\0" in line for line in header_lines):
        raise FileError("contains NUL bytes; if it is UTF-16, choose its --encoding")
    found = max((_cells(header_lines, delimiter) for delimiter in delimiters), key=len)
    first_line = column_list(tuple(map(shown, found))) or "nothing that is CSV"
    hint = "; check its quotes" if '"' in header_lines[0] else ""
    raise FileError(
        f"has no column {layout.contact_name} (--contact-column chooses another one); "
        f"its first line has: {first_line}{hint}"
    )


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


def normalized(name: str) -> str:
    """Return a column name without case, blanks, hyphens and underscores.

    `Contact ID` and `do_not_track` are accepted: ignoring a misspelt preference column
    would lose opt-outs silently.
    """
    return "".join(letter for letter in name.casefold() if letter not in " _-")


def _cells(lines: list[str], delimiter: str) -> list[str]:
    try:
        return next(csv.reader(lines, delimiter=delimiter, strict=True), [])
    except csv.Error:  # quoted cells look malformed with the wrong delimiter
        return []


def _index(name: str, columns: Sequence[str]) -> int | None:
    names = [normalized(column) for column in columns]
    return names.index(name) if name in names else None


def _check_duplicates(columns: list[str]) -> None:
    seen = set()
    for column in columns:
        name = normalized(column)
        if name and name in seen:
            raise FileError(f"has the column {shown(column)} twice")
        seen.add(name)


def _positions(columns: list[str], key_of: Callable[[str], str | None]) -> dict[str, int]:
    positions: dict[str, int] = {}
    for index, column in enumerate(columns):
        key = key_of(column)
        if key is None:
            continue
        if key in positions:
            other = shown(columns[positions[key]])
            raise FileError(f"has two columns for {key}: {other} and {shown(column)}")
        positions[key] = index
    return positions
