"""The message of a campaign with the numbers of its links drawn on it.

The HTML is untrusted, and so is what it would load. Callers must sandbox the picture;
here, elements that could act or load something are removed, so that the picture looks the same
whether or not a browser would have blocked them.
"""

from collections.abc import Mapping, Sequence
from difflib import SequenceMatcher
from html import escape

from turbohtml import Element, parse

from hushpost_client import LinkStats, NewLink
from hushpost_dashboard.report.rows import LinkRow
from hushpost_mail import parse_template

__all__ = ["message_picture"]

_MARKER = "https://link.invalid"
"""Takes the place of the tracking URL, so that the links of the message can be recognized (RFC 2606)."""
_TOKEN = "x"
_REMOVED = (
    "script, base, link, meta, iframe, frame, frameset, object, embed, applet, audio, video, "
    "source, track, portal, template, dialog"
)
_LINK_ATTRIBUTES = ("href", "xlink:href", "target", "ping", "action", "formaction")
_LOADING_ATTRIBUTES = ("srcset", "background", "poster", "lowsrc", "dynsrc")
_STYLE = """
.hushpost-link { outline: 2px solid #c25100 !important; outline-offset: 1px !important; }
.hushpost-badge { all: initial !important; display: inline-block !important;
  margin: 0 0 0 4px !important; padding: 1px 6px !important; border-radius: 9px !important;
  background: #c25100 !important; color: #fff !important; white-space: nowrap !important;
  font: 600 12px/16px system-ui, sans-serif !important; vertical-align: middle !important; }
.hushpost-image { display: inline-block !important; min-width: 3em !important;
  min-height: 2em !important; background: #e3e7eb !important; color: #53606e !important;
  outline: 1px dashed #7c8895 !important; outline-offset: -1px !important; }
"""


def message_picture(html: str, links: Sequence[LinkStats], rows: Mapping[int, LinkRow]) -> str:
    """Return an HTML page of the message with a badge at each link.

    Args:
        html: The message.
        links: The links of the campaign, ascending by number.
        rows: Their numbers, by link number.
    """
    # The library that tracks links when a message is sent finds them here, too.
    template = parse_template(html, tracking_url=_MARKER)
    numbers = _link_numbers(template.links, links)
    document = parse(template.render(_TOKEN, _TOKEN).html or "")
    for element in document.select(_REMOVED):
        element.decompose()
    for element in list(document.iter_elements()):
        row = rows.get(numbers.get(_marked_position(element), 0))
        _disarm(element)
        if row is not None:
            element.add_class("hushpost-link")
            element.insert_adjacent_html("beforeend", _badge(row))
    head = document.select_one("head")
    if head is not None:
        head.insert_adjacent_html("beforeend", f"<style>{_STYLE}</style>")
    return document.serialize()


def _link_numbers(found: Sequence[NewLink], links: Sequence[LinkStats]) -> dict[int, int]:
    """Return the numbers of the campaign's links by their position in the message.

    They can differ: links of the header `List-Unsubscribe` are not tracked, and others can have
    been added to the campaign.
    """
    matcher = SequenceMatcher(
        None, [link.url for link in found], [link.url for link in links], autojunk=False
    )
    return {
        block.a + offset + 1: links[block.b + offset].link_number
        for block in matcher.get_matching_blocks()
        for offset in range(block.size)
    }


def _marked_position(element: Element) -> int:
    """Return the position of an element's link in the message; 0 if it has none."""
    if element.tag != "a":
        return 0
    position = (element.attr("href") or "").removeprefix(f"{_MARKER}/c/{_TOKEN}/")
    return int(position) if position.isascii() and position.isdecimal() else 0


def _disarm(element: Element) -> None:
    """Remove what would load something, lead elsewhere or run a script."""
    attributes = element.attrs
    for name in list(attributes):
        if name.startswith("on") or name in _LINK_ATTRIBUTES or name in _LOADING_ATTRIBUTES:
            del attributes[name]
    if element.tag in {"img", "input"} and not (element.attr("src") or "").startswith(
        "data:image/"
    ):
        if "src" in attributes:
            del attributes["src"]
        if element.tag == "img":
            element.add_class("hushpost-image")


def _badge(row: LinkRow) -> str:
    share = f" ({row.share.main})" if row.share and not row.share.is_noise else ""
    return f'<span class="hushpost-badge">{escape(row.clicked.text + share)}</span>'
