"""Finds the URLs of a plain text.

Where a URL ends in running text is a guess that a library makes well (brackets
in pairs, punctuation at the end). What it can't know leaves the link as it is:
a wrong end would send the reader to a wrong place.
"""

import re

from turbohtml.clean import LinkDetector

from hushpost_mail._destination import has_placeholder
from hushpost_mail._link_types import FoundLink, SkipReason

__all__ = ["text_links"]

_DETECTOR = LinkDetector(emails=False, bare_domains=False)

_NOT_ASCII = re.compile(r"[^\x00-\x7f]")
_UNTIL_DELIMITER = re.compile(r"[^\s<>\"|]*")
_UNTIL_SPACE = re.compile(r"\S*")


def text_links(text: str) -> list[FoundLink]:
    """Find the http and https URLs of a text, in the order in which they stand.

    A URL is ASCII (RFC 3986), so everything else ends it: scripts that put no
    space between words, and their punctuation, stand right beside URLs.
    """
    ascii_only = _NOT_ASCII.sub(" ", text)
    return [
        FoundLink(span.start, span.end, span.text, left=_doubt(text, span.start, span.end))
        for span in _DETECTOR.find(ascii_only)
        if span.text[:4].lower() == "http"
    ]


def _doubt(text: str, start: int, end: int) -> SkipReason | None:
    run = _UNTIL_SPACE.match(text, start)
    if run is not None and has_placeholder(run[0]):
        return SkipReason.PLACEHOLDER
    # "<https://example.com/very" and the rest on the next line (RFC 3986, appendix C)
    is_cut = text[start - 1 : start] == "<" and text[end : end + 1] != ">"
    return SkipReason.UNCERTAIN if is_cut or _goes_on(text, end) else None


def _goes_on(text: str, end: int) -> bool:
    """Answer whether what follows may be of the URL: a letter with no delimiter before it."""
    follows = _UNTIL_DELIMITER.match(text, end)
    for character in follows[0] if follows else "":
        if character.isalnum():
            return True
        if not character.isascii():
            return False
    return False
