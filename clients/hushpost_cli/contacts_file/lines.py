"""Reads the physical lines of a text in bounded memory, and can read lines again."""

import csv
from collections import deque
from typing import Self, TextIO

from hushpost_cli.contacts_file.header import FileError

__all__ = ["MAX_ROW_LINES", "Lines"]

MAX_ROW_LINES = 100
"""Lines of a row, whose quoted cells may contain newlines. More indicate a stray quote."""

# In characters. A longer line means that the file does not contain contacts; it must not
# be read into memory as a whole.
_MAX_LINE = 1 << 20


class Lines:
    """An iterator of lines for `csv.reader`, which keeps the lines of the current row.

    Attributes:
        number: The number of the last line read, from 1; 0 before the first.
        row: The lines read since `start_row`.
    """

    def __init__(self, text: TextIO) -> None:
        self.number = 0
        self.row: list[str] = []
        self._readline = text.readline
        self._again: deque[str] = deque()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> str:
        """Return the next line, with its line ending.

        Raises:
            csv.Error: The row is too long.
            FileError: The line is too long.
        """
        if self.row:
            self._check_row()
        line = self._again.popleft() if self._again else self._readline(_MAX_LINE)
        if not line:
            raise StopIteration
        self.number += 1
        if len(line) == _MAX_LINE:
            raise FileError(f"has more than {_MAX_LINE:,} characters on line {self.number}")
        self.row.append(line)
        return line

    def start_row(self) -> int:
        """Forget the lines of the last row; return the number of the next line."""
        self.row.clear()
        return self.number + 1

    def read_again(self) -> None:
        """Read the lines of the row again, except for the first."""
        self._again.extendleft(reversed(self.row[1:]))
        self.number -= len(self.row) - 1
        del self.row[1:]

    def _check_row(self) -> None:
        if len(self.row) >= MAX_ROW_LINES or sum(map(len, self.row)) >= _MAX_LINE:
            raise csv.Error(f"its quote is not closed within {len(self.row)} lines")
