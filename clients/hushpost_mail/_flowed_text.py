"""Reads text whose lines were broken inside words (RFC 3676: format=flowed with DelSp=yes)."""

import re
from bisect import bisect_right

from hushpost_mail._part_template import FindReplacements
from hushpost_mail._segments import Replacement

__all__ = ["across_soft_breaks"]

_LINE = re.compile(r"(?P<quotes>>*) ?(?P<content>[^\n]*?)(?P<end> ?\r?\n|\Z)")
_SIGNATURE = "--"


def across_soft_breaks(find: FindReplacements) -> FindReplacements:
    """Return a function that finds replacements in the text that readers see.

    A link that goes on in the next line is thereby found as a whole. Its replacement
    covers the line break.
    """

    def find_across(text: str) -> list[Replacement[str]]:
        joined = _JoinedText(text)
        return [
            Replacement(
                joined.start(found.start),
                joined.start(found.start) if found.start == found.end else joined.end(found.end),
                found.before,
                found.token_kind,
                found.after,
            )
            for found in find(joined.text)
        ]

    return find_across


class _JoinedText:
    """A text without its soft line breaks."""

    def __init__(self, text: str) -> None:
        runs: list[str] = []
        self._joined_starts: list[int] = []
        self._starts: list[int] = []
        length = 0
        for start, end in _runs(text):
            self._joined_starts.append(length)
            self._starts.append(start)
            runs.append(text[start:end])
            length += end - start
        self.text = "".join(runs)

    def start(self, index: int) -> int:
        """Return the index in the source of a character."""
        run = bisect_right(self._joined_starts, index) - 1
        return self._starts[run] + index - self._joined_starts[run]

    def end(self, index: int) -> int:
        """Return the index in the source after the character before `index`."""
        return self.start(index - 1) + 1


def _runs(text: str) -> list[tuple[int, int]]:
    """Return the ranges of a text that are left when soft breaks are removed."""
    runs: list[tuple[int, int]] = []
    start, break_start, is_open, quotes = 0, 0, False, ""
    for line in _LINE.finditer(text):
        if line.start() == line.end() == len(text):
            break
        if is_open and line["quotes"] == quotes:
            runs.append((start, break_start))
            start = line.start("content")
        is_open = line["end"].startswith(" ") and line["content"] != _SIGNATURE
        break_start, quotes = line.start("end"), line["quotes"]
    runs.append((start, len(text)))
    return runs
