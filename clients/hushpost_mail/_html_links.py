"""Finds the links of an HTML source and the places of the pixel and the trap link.

turbohtml parses as the WHATWG HTML standard says, so a link is what a browser takes for
one: not the content of comments, styles and scripts, and no broken attributes. It
reports the source position of every attribute, so that the source is edited in place
and never serialized again.
"""

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from itertools import accumulate

from turbohtml import Comment, Element, Namespace, TokenType, parse, parse_fragment
from turbohtml import tokenize as tokenize_html

from hushpost_mail._links import FoundLink, SkipReason
from hushpost_mail._url_rules import browser_url

__all__ = ["HtmlSource"]

_SKIP_REASONS = {"off": SkipReason.MARKED, "unsubscribe": SkipReason.UNSUBSCRIBE}
"""Values of the attribute `data-hushpost`."""

# The source of an attribute up to its value, opening quote included.
_BEFORE_VALUE = re.compile(r"[^=]*=[\t\n\f ]*([\"']?)")

# The start of a conditional comment: "[if mso]>", "[if (gte mso 9)|(IE)]>".
_CONDITION = re.compile(r"\[if[^\]]*\]>", re.IGNORECASE)
_COMMENT_START = "<!--"

_COMMENT_PROBE = "<!--hushpost-->"
_PROBE = '<img src="hushpost:pixel">'
_PROBE_SELECTOR = 'img[src="hushpost:pixel"]'

# In SVG these elements can have child elements, which browsers do not show.
_HIDDEN_ELEMENTS = "style, script, title"


class HtmlSource:
    """An HTML text. Indices refer to the text as given, CRLF line ends included."""

    def __init__(self, text: str) -> None:
        # As the standard requires, the parser normalizes line ends: its offsets count a
        # CRLF as one character.
        self._normalized = text.replace("\r\n", "\n").replace("\r", "\n")
        self._crlf_offsets = [
            found.start() - crlfs_before
            for crlfs_before, found in enumerate(re.finditer("\r\n", text))
        ]
        self._line_offsets = [
            0,
            *accumulate(len(line) + 1 for line in self._normalized.split("\n")),
        ]
        self._text = text
        self._document = parse(self._normalized, source_locations=True)

    def links(self) -> list[FoundLink]:
        """Return the links in source order."""
        found = list(self._links_of(self._document.iter_elements(), 0, ""))
        for offset, content, mark in self._conditional_comments():
            fragment = parse_fragment(content, "body", source_locations=True)
            found.extend(self._links_of(fragment.iter_elements(), offset, mark))
        return sorted(found, key=lambda link: link.start)

    def pixel_index(self) -> int:
        """Return the index before the last `</body>`, or the end of the text.

        An image ends an SVG that is still open, and browsers would take what follows for HTML. If
        one is open before `</body>`, the pixel is therefore the last of the text.
        """
        end = len(self._text)
        index = end
        for token in tokenize_html(self._normalized, capture_attributes=False):
            if token.type == TokenType.END_TAG and token.tag == "body":
                index = self._index(self._line_offsets[token.line - 1] + token.col)
        return end if index < end and self._is_in_svg(index) else index

    def trap_index(self) -> int:
        """Return the index after `<body>`, or that of the pixel if there is no such tag."""
        body = self._document.select_one("body")
        location = None if body is None else body.source_location
        if location is None or location.start_tag is None:
            return self.pixel_index()
        return self._index(location.start_tag.end_offset)

    def loads_pixel(self) -> bool:
        """Return whether a browser loads an image that is inserted at `pixel_index`.

        It does not in an unclosed comment, style or template, nor in a frameset.
        """
        index = self.pixel_index()
        before, after = self._text[:index], self._text[index:]
        image = parse(before + _PROBE + after).select_one(_PROBE_SELECTOR)
        return image is not None and image.closest("template") is None

    def _is_in_svg(self, index: int) -> bool:
        """Return whether an SVG, or a formula in MathML, is open at an index."""
        *_, last = parse(self._text[:index] + _COMMENT_PROBE).descendants
        around = last.parent if isinstance(last, Comment) else None
        return isinstance(around, Element) and around.namespace != Namespace.HTML

    def _index(self, normalized_offset: int) -> int:
        """Convert an offset of the parser to an index of the text as given."""
        return normalized_offset + bisect_left(self._crlf_offsets, normalized_offset)

    def _links_of(
        self, elements: Iterable[Element], offset: int, outer_mark: str
    ) -> Iterator[FoundLink]:
        """Yield the links of elements; `outer_mark` is the mark of what is around them."""
        for element in elements:
            location = element.source_location
            # The parser clones misnested elements, as the standard requires. Clones have
            # no location; their originals are visited too.
            if location is None:
                continue
            for name in _link_attributes(element):
                span = location.attrs.get(name)
                if span is None:
                    continue
                start, end = span.start_offset + offset, span.end_offset + offset
                before = _BEFORE_VALUE.match(self._normalized, start, end)
                if before is not None:
                    mark = _mark(element) or outer_mark
                    yield self._link(element, name, before.end(), end - len(before[1]), mark)

    def _link(self, element: Element, name: str, start: int, end: int, mark: str) -> FoundLink:
        return FoundLink(
            self._index(start),
            self._index(end),
            browser_url(element.attr(name) or ""),
            label=(element.attr("data-hushpost-label") or "").strip(),
            text=element.text,
            skip_reason=_SKIP_REASONS.get(mark),
        )

    def _conditional_comments(self) -> Iterator[tuple[int, str, str]]:
        """Yield the offset, content and mark of each comment that Outlook renders.

        Of equal comments, one with a mark counts for all.
        """
        comments: dict[str, str] = {}
        for node in self._document.descendants:
            if isinstance(node, Comment):
                around = node.parent
                mark = _mark(around) if isinstance(around, Element) else ""
                comments[node.data] = comments.get(node.data) or mark
        for token in tokenize_html(self._normalized, capture_attributes=False):
            # Without the tree, the tokenizer can report a comment where there is none,
            # such as in the <style> of an SVG. Only comments in both count.
            if token.type != TokenType.COMMENT or token.data not in comments:
                continue
            offset = self._line_offsets[token.line - 1] + token.col
            condition = _CONDITION.match(token.data or "")
            if condition is not None and self._normalized.startswith(_COMMENT_START, offset):
                start = offset + len(_COMMENT_START) + condition.end()
                length = len(token.data or "") - condition.end()
                mark = comments[token.data or ""]
                yield start, self._normalized[start : start + length], mark


def _mark(element: Element) -> str:
    """Return the `data-hushpost` of an element, or of the nearest one around it that has one."""
    marked = element.closest("[data-hushpost]")
    return "" if marked is None else (marked.attr("data-hushpost") or "").strip().lower()


def _link_attributes(element: Element) -> tuple[str, ...]:
    """Return the names of the attributes that can hold the link of an element."""
    if element.closest(_HIDDEN_ELEMENTS):
        return ()
    if element.namespace == Namespace.SVG:
        return ("href", "xlink:href") if element.tag == "a" else ()
    # Outlook renders VML shapes such as v:roundrect; buttons are built from them.
    return ("href",) if element.tag in ("a", "area") or element.tag.startswith("v:") else ()
