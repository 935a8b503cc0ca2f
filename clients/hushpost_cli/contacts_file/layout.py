"""Which column of a file is what."""

import csv
from dataclasses import dataclass

__all__ = ["DELIMITERS", "FileProblemError", "Layout", "find_layout"]

DELIMITERS = (",", ";")

_CONTACT_ID = "contactid"
_DO_NOT_TRACK = "donottrack"


class FileProblemError(Exception):
    """The file as a whole can't be used; nothing was done."""


@dataclass(frozen=True, slots=True)
class Layout:
    """What the header says.

    Attributes:
        delimiter: What separates cells.
        header: The names of the columns, as written.
        contact_id: Index of the column of contacts.
        do_not_track: Index of the column of preferences, or None without one.
    """

    delimiter: str
    header: tuple[str, ...]
    contact_id: int
    do_not_track: int | None

    @property
    def ignored(self) -> tuple[str, ...]:
        """The names of the other columns."""
        used = {self.contact_id, self.do_not_track}
        names = (name.strip() for index, name in enumerate(self.header) if index not in used)
        return tuple(name for name in names if name)


def find_layout(header_lines: list[str], delimiters: tuple[str, ...]) -> Layout:
    """Read a header, with the first of the delimiters that shows a contact_id.

    Args:
        header_lines: The physical lines of the header.
        delimiters: The candidates, at least one.

    Raises:
        FileProblemError: if no candidate does, or a column stands twice.
    """
    for delimiter in delimiters:
        header = _cells(header_lines, delimiter)
        names = [_plain(name) for name in header]
        if _CONTACT_ID in names:
            _refuse_twins(header, names)
            preference = names.index(_DO_NOT_TRACK) if _DO_NOT_TRACK in names else None
            return Layout(delimiter, tuple(header), names.index(_CONTACT_ID), preference)
    found = max((_cells(header_lines, delimiter) for delimiter in delimiters), key=len)
    columns = ", ".join(name.strip()[:40] for name in found[:10]) or "nothing that is CSV"
    raise FileProblemError(f"has no column contact_id; its first line has: {columns}")


def _cells(lines: list[str], delimiter: str) -> list[str]:
    try:
        return next(csv.reader(lines, delimiter=delimiter, strict=True), [])
    except csv.Error:  # quoted cells look damaged by the wrong delimiter
        return []


def _plain(name: str) -> str:
    """Answer what a name is compared by.

    `Contact ID` and `do_not_track` are meant as the columns they look like: to
    ignore the second one for its spelling would lose opt-outs without a word.
    """
    return "".join(letter for letter in name.casefold() if letter not in " \t_-")


def _refuse_twins(header: list[str], names: list[str]) -> None:
    for index, name in enumerate(names):
        if name and name in names[:index]:
            raise FileProblemError(f"has the column {header[index].strip()} twice")
