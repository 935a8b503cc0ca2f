"""Decides what changes in a part: the links, the pixel, the preference links."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from hushpost_client import NewLink
from hushpost_mail._destination import reason_to_leave, same_place
from hushpost_mail._html import HtmlSource
from hushpost_mail._link_types import FoundLink, Part, SkippedLink, SkipReason
from hushpost_mail._pieces import Cut, placed
from hushpost_mail._text import text_links
from hushpost_mail._urls import TrackingUrls

__all__ = ["Search"]

_LABEL_BYTES = 128
"""Of a link's label; the contract's bound (`Link.label`)."""

# Editors percent-encode the braces of an href.
_PREFERENCES = re.compile(
    r"(?:\{\{|%7B%7B)(?:\s|%20)*hushpost\.preferences(?:\s|%20)*(?:\}\}|%7D%7D)", re.IGNORECASE
)


@dataclass(slots=True)
class Search:
    """Goes through the parts of one message and numbers their links.

    Attributes:
        urls: Where they will lead.
        unsubscribe: What `List-Unsubscribe` names.
        links: What to register, in the order of their numbers.
        skipped_links: What stays as it is.
    """

    urls: TrackingUrls
    unsubscribe: frozenset[str]
    links: list[NewLink] = field(default_factory=list)
    skipped_links: list[SkippedLink] = field(default_factory=list)
    _positions: dict[Part, int] = field(default_factory=dict)

    def html(self, text: str, *, with_pixel: bool) -> list[Cut[str]]:
        """Answer the cuts of an HTML part, in order."""
        source = HtmlSource(text)
        cuts = [*self._clicks(Part.HTML, source.links()), *self._preferences(text)]
        if with_pixel:
            place = source.pixel_place()
            cuts.append(placed(self.urls.pixel(), place, place))
        return sorted(cuts, key=lambda place: place.start)

    def text(self, text: str) -> list[Cut[str]]:
        """Answer the cuts of a text part, in order."""
        cuts = [*self._clicks(Part.TEXT, text_links(text)), *self._preferences(text)]
        return sorted(cuts, key=lambda place: place.start)

    def _clicks(self, part: Part, found: Iterable[FoundLink]) -> list[Cut[str]]:
        cuts = []
        for link in found:
            if _PREFERENCES.search(link.url):
                continue  # a link of ours, and not one to count
            reason = link.left or self._reason_to_leave(link.url)
            if reason is not None:
                self.skipped_links.append(SkippedLink(part, link.url, reason))
                continue
            position = self._positions[part] = self._positions.get(part, 0) + 1
            label = _shortened(link.label) or f"{part}:{position}"
            self.links.append(NewLink(link.url, label=label))
            cuts.append(placed(self.urls.click(len(self.links)), link.start, link.end))
        return cuts

    def _reason_to_leave(self, url: str) -> SkipReason | None:
        if same_place(url) in self.unsubscribe:
            return SkipReason.UNSUBSCRIBE
        return reason_to_leave(url)

    def _preferences(self, text: str) -> list[Cut[str]]:
        return [
            placed(self.urls.preferences(), found.start(), found.end())
            for found in _PREFERENCES.finditer(text)
        ]


def _shortened(label: str) -> str:
    """Answer a label in one line, within its bytes."""
    line = " ".join(label.replace("\x00", " ").split())
    return line.encode(errors="replace")[:_LABEL_BYTES].decode(errors="ignore")
