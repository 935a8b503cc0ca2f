"""Finds the links of an HTML source, and where its pixel goes.

A parser of the WHATWG standard decides what is a link: what stands in comments,
styles, scripts or broken attributes is none, as in a browser. It tells where
each attribute stands, so that the source itself is never written anew.
"""

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from itertools import accumulate

from turbohtml import Comment, Document, Element, Namespace, TokenType, parse, parse_fragment
from turbohtml import tokenize as tokens_of

from hushpost_mail._destination import unbroken
from hushpost_mail._link_types import FoundLink, SkipReason

__all__ = ["HtmlSource"]

_MARKS = {"off": SkipReason.MARKED, "unsubscribe": SkipReason.UNSUBSCRIBE}

# What stands in an attribute's source before its value, quote included.
_BEFORE_VALUE = re.compile(r"[^=]*=[\t\n\f ]*([\"']?)")

# "[if mso]>", "[if (gte mso 9)|(IE)]>": what makes a comment a conditional one.
_CONDITION = re.compile(r"\[if[^\]]*\]>", re.IGNORECASE)
_COMMENT_OPENS = "<!--"

# In SVG these have elements inside, which nobody sees.
_NEVER_SHOWN = "style, script, title"


class HtmlSource:
    """An HTML text and what is found in it. Indices are those of the text as given."""

    def __init__(self, text: str) -> None:
        # The parser counts a CRLF once (its source is normalized by the standard).
        self._text = text.replace("\r\n", "\n").replace("\r", "\n")
        self._dropped = [
            found.start() - before for before, found in enumerate(re.finditer("\r\n", text))
        ]
        self._lines = [0, *accumulate(len(line) + 1 for line in self._text.split("\n"))]
        self._length = len(text)

    def links(self) -> list[FoundLink]:
        """Find the links, in the order in which they stand."""
        document = parse(self._text, source_locations=True)
        found = list(self._links_below(document.iter_elements(), 0))
        for start, content in self._conditional_comments(document):
            inside = parse_fragment(content, "body", source_locations=True)
            found.extend(self._links_below(inside.iter_elements(), start))
        return sorted(found, key=lambda link: link.start)

    def pixel_place(self) -> int:
        """Answer where the pixel goes: before the last `</body>`, else at the end."""
        place = self._length
        for token in tokens_of(self._text, capture_attributes=False):
            if token.type == TokenType.END_TAG and token.tag == "body":
                place = self._index(self._lines[token.line - 1] + token.col)
        return place

    def _index(self, offset: int) -> int:
        """Translate the parser's offset."""
        return offset + bisect_left(self._dropped, offset)

    def _links_below(self, elements: Iterable[Element], shift: int) -> Iterator[FoundLink]:
        for element in elements:
            location = element.source_location
            # Elements without a place are repetitions that the standard makes
            # of misnested ones; the one that stands in the source comes too.
            if location is None:
                continue
            for name in _link_attributes(element):
                span = location.attrs.get(name)
                if span is None:
                    continue
                start, end = span.start_offset + shift, span.end_offset + shift
                before = _BEFORE_VALUE.match(self._text, start, end)
                if before is not None:
                    yield self._link(element, name, before.end(), end - len(before[1]))

    def _link(self, element: Element, name: str, start: int, end: int) -> FoundLink:
        return FoundLink(
            self._index(start),
            self._index(end),
            unbroken(element.attr(name) or ""),
            (element.attr("data-hushpost-label") or "").strip(),
            _MARKS.get((element.attr("data-hushpost") or "").strip().lower()),
        )

    def _conditional_comments(self, document: Document) -> Iterator[tuple[int, str]]:
        """Find what only Outlook reads, with its offset."""
        comments = {node.data for node in document.descendants if isinstance(node, Comment)}
        for token in tokens_of(self._text, capture_attributes=False):
            # A tokenizer alone can take for a comment what the tree knows to
            # be none (in a style of an SVG): only what both see counts.
            if token.type != TokenType.COMMENT or token.data not in comments:
                continue
            start = self._lines[token.line - 1] + token.col
            condition = _CONDITION.match(token.data or "")
            if condition is not None and self._text.startswith(_COMMENT_OPENS, start):
                start += len(_COMMENT_OPENS) + condition.end()
                yield start, self._text[start : start + len(token.data or "") - condition.end()]


def _link_attributes(element: Element) -> tuple[str, ...]:
    """Answer which attributes of an element are where a click on it leads."""
    if element.closest(_NEVER_SHOWN):
        return ()
    if element.namespace == Namespace.SVG:
        return ("href", "xlink:href") if element.tag == "a" else ()
    # v:roundrect and alike are Outlook's vector shapes; as buttons they are links.
    return ("href",) if element.tag in ("a", "area") or element.tag.startswith("v:") else ()
