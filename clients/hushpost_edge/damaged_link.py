"""Reads link paths that mail programs have damaged (promise: links always redirect).

The trap link, number 0, is read here, too, so that other links pay nothing for it.

Programs add the punctuation that follows a URL, double slashes, change the case, add parameters
without a question mark, or damage a character. Everything here is pure.
"""

import re
from typing import NamedTuple

from hushpost_edge.token_header import ParsedToken, header_characters, parse_token

__all__ = [
    "HEADER_LENGTH",
    "DamagedLink",
    "fold",
    "is_link_path",
    "is_pixel_path",
    "parse_damaged_link",
]

HEADER_LENGTH = 10
"""The length of a folded header."""

_TRAP_LINK = 0
_TRAP_DESTINATION = 1

_LINK_PATH = re.compile(
    r"/+c/+(?P<token>[^/]+)/+0*(?P<number>[1-9][0-9]{0,8}|0)(?![0-9])", re.IGNORECASE
)
_LINK_START = re.compile(r"/+c/", re.IGNORECASE)
_PIXEL_START = re.compile(r"/+o/", re.IGNORECASE)
_NOT_IN_TOKEN = re.compile(r"[^A-Za-z0-9_-]+")


class DamagedLink(NamedTuple):
    """What can be read of a damaged path.

    Attributes:
        token: The token, if it is undamaged or its header is; else None.
        header: The characters of the token that name the campaign, in lower case.
        number: The link number; of the trap link, that of the link it leads to.
        is_trap: Whether it is the trap link, which people neither see nor reach.
    """

    token: ParsedToken | None
    header: str
    number: int
    is_trap: bool


def is_link_path(path: str) -> bool:
    """Return whether a path may be that of a link."""
    return _LINK_START.match(path) is not None


def is_pixel_path(path: str) -> bool:
    """Return whether a path may be that of a pixel."""
    return _PIXEL_START.match(path) is not None


def parse_damaged_link(path: str) -> DamagedLink | None:
    """Parse the path of a link; None if it has no token or no number."""
    found = _LINK_PATH.match(path)
    if found is None:
        return None
    # Inserted characters, such as line breaks and soft hyphens, are in no token.
    text = _NOT_IN_TOKEN.sub("", found["token"])
    number = int(found["number"])
    is_trap = number == _TRAP_LINK
    return DamagedLink(
        parse_token(text), fold(text), _TRAP_DESTINATION if is_trap else number, is_trap
    )


def fold(token: str) -> str:
    """Return the characters of a token that name its campaign, in lower case."""
    return header_characters(token).lower()
