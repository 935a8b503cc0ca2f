"""Address ranges that apply to opens, to clicks, or to both, surely or not.

A range file has one range per line. Words may follow it: `opens`, `clicks` or `both` instead of
the scope that the file has by default, and `unsure` for addresses that people also use.
"""

from collections.abc import Iterable
from enum import Enum
from pathlib import Path
from typing import Self

from hushpost_runtime.address_ranges import AddressRanges, AddressRangesError

__all__ = ["EventRanges", "Match", "Scope"]


class Scope(Enum):
    """The events that a range applies to."""

    OPENS = "opens"
    CLICKS = "clicks"
    BOTH = "both"


class Match(Enum):
    """Whether the address of an event is in a range that applies to it."""

    NONE = "none"
    UNSURE = "unsure"
    SURE = "sure"


class EventRanges:
    """Ranges with a scope and a confidence.

    Args:
        lines: Lines such as `192.0.2.0/24 clicks unsure`. Text after `#` or a comma is ignored.
        scope: The scope of ranges that do not name one.

    Raises:
        AddressRangesError: A line has no range, or an unknown word after it.
    """

    def __init__(self, lines: Iterable[str] = (), scope: Scope = Scope.OPENS) -> None:
        ranges: dict[tuple[bool, Match], list[str]] = {
            (is_click, match): []
            for is_click in (False, True)
            for match in (Match.SURE, Match.UNSURE)
        }
        for line in lines:
            words = line.partition("#")[0].partition(",")[0].split()
            if words:
                match, scope_of_range = _read_words(words, scope)
                for is_click in _is_click(scope_of_range):
                    ranges[is_click, match].append(words[0])
        self._is_empty = not any(ranges.values())
        self._sure = tuple(AddressRanges(ranges[click, Match.SURE]) for click in (False, True))
        self._unsure = tuple(AddressRanges(ranges[click, Match.UNSURE]) for click in (False, True))

    @classmethod
    def load(cls, file: Path | None, scope: Scope) -> Self:
        """Read a file; None for no ranges. Raises AddressRangesError, OSError."""
        if file is None:
            return cls()
        try:
            return cls(file.read_text("utf-8", errors="replace").splitlines(), scope)
        except AddressRangesError as error:
            raise AddressRangesError(f"{file}: {error}") from error

    def match(self, link: int, address: str) -> Match:
        """Return whether a range applies to an open (link 0) or a click from an address."""
        if self._is_empty:
            return Match.NONE
        is_click = link > 0
        if address in self._sure[is_click]:
            return Match.SURE
        return Match.UNSURE if address in self._unsure[is_click] else Match.NONE


def _read_words(words: list[str], scope: Scope) -> tuple[Match, Scope]:
    match = Match.SURE
    for word in words[1:]:
        if word == Match.UNSURE.value:
            match = Match.UNSURE
        else:
            try:
                scope = Scope(word)
            except ValueError:
                raise AddressRangesError(
                    f"{word!r} after a range is none of opens, clicks, both, unsure"
                ) from None
    return match, scope


def _is_click(scope: Scope) -> tuple[bool, ...]:
    return {Scope.OPENS: (False,), Scope.CLICKS: (True,), Scope.BOTH: (False, True)}[scope]
