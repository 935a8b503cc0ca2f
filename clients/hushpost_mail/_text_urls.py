"""Finds URLs in plain text.

turbohtml's link detector guesses where a URL ends in running text: at punctuation and
at an unbalanced bracket. A wrong end would send readers to a wrong page, so URLs with an
ambiguous end are skipped.
"""

import re
from bisect import bisect_left

from turbohtml.clean import LinkDetector

from hushpost_mail._links import FoundLink, SkipReason
from hushpost_mail._placeholders import has_placeholder, placeholder_ranges

__all__ = ["find_urls"]

_DETECTOR = LinkDetector(emails=False, bare_domains=False)

_NOT_ASCII = re.compile(r"[^\x00-\x7f]")
_UNTIL_DELIMITER = re.compile(r"[^\s<>\"|]*")
_UNTIL_SPACE = re.compile(r"\S*")


def find_urls(text: str) -> list[FoundLink]:
    """Return the http and https URLs of a text in order.

    A URL is ASCII (RFC 3986), so any other character ends it. This matters for
    languages that put no space between a URL and the next word.
    """
    ascii_only = _NOT_ASCII.sub(" ", text)
    placeholders = placeholder_ranges(text)
    return [
        FoundLink(
            span.start,
            span.end,
            span.text,
            skip_reason=_skip_reason(text, span.start, span.end, placeholders),
        )
        for span in _DETECTOR.find(ascii_only)
        if span.text[:4].lower() == "http"
    ]


def _skip_reason(
    text: str, start: int, end: int, placeholders: list[tuple[int, int]]
) -> SkipReason | None:
    word = _UNTIL_SPACE.match(text, start)
    if word is not None and has_placeholder(word[0]):
        return SkipReason.PLACEHOLDER
    if _is_within(placeholders, start, end):
        return SkipReason.PLACEHOLDER
    # RFC 3986, appendix C: a URL in angle brackets may continue on the next line.
    is_broken = text[start - 1 : start] == "<" and text[end : end + 1] != ">"
    return SkipReason.UNCERTAIN if is_broken or _may_continue(text, end) else None


def _is_within(ranges: list[tuple[int, int]], start: int, end: int) -> bool:
    """Return whether one of the sorted ranges overlaps with a range."""
    index = bisect_left(ranges, end, key=lambda each: each[0])
    return index > 0 and ranges[index - 1][1] > start


def _may_continue(text: str, end: int) -> bool:
    """Return whether a letter or digit follows with only ASCII punctuation in between."""
    following = _UNTIL_DELIMITER.match(text, end)
    for character in following[0] if following else "":
        if character.isalnum():
            return True
        if not character.isascii():
            return False
    return False
