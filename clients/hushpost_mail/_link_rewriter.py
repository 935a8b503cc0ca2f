"""Finds the replacements in the parts of a message: links, pixel, trap and preference links."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from hushpost_client import NewLink
from hushpost_mail._html_links import HtmlSource
from hushpost_mail._links import FoundLink, Part, SkippedLink, SkipReason
from hushpost_mail._placeholders import looks_like_placeholder
from hushpost_mail._segments import Replacement
from hushpost_mail._text_urls import find_urls
from hushpost_mail._tracking_urls import TrackingUrls
from hushpost_mail._url_rules import comparable_url, skip_reason
from hushpost_mail._warnings import (
    MessageWarning,
    WarningKind,
    is_signed_inline,
    looks_like_unsubscribe,
)

__all__ = ["LinkRewriter"]

_MAX_LABEL_BYTES = 128
"""The limit of `Link.label` in the protocol."""

# HTML editors percent-encode the braces in an href.
_PREFERENCES_PLACEHOLDER = re.compile(
    r"(?:\{\{|%7B%7B)(?:\s|%20)*hushpost\.preferences(?:\s|%20)*(?:\}\}|%7D%7D)", re.IGNORECASE
)


@dataclass(slots=True)
class LinkRewriter:
    """Numbers the links of one message and returns the replacements for each part.

    Call `html` and `text` for the parts in the order of the message.

    Attributes:
        tracking_urls: Creates the URLs that replace the links.
        unsubscribe_urls: The URLs of `List-Unsubscribe`, which are not tracked.
        with_trap_link: Whether the message gets a trap link, if its HTML has tracked links.
        links: The tracked links so far; link number n is at index n - 1.
        skipped_links: The links that are not tracked so far.
        warnings: What the sender should look at.
    """

    tracking_urls: TrackingUrls
    unsubscribe_urls: frozenset[str]
    with_trap_link: bool = False
    links: list[NewLink] = field(default_factory=list)
    skipped_links: list[SkippedLink] = field(default_factory=list)
    warnings: list[MessageWarning] = field(default_factory=list)
    _links_per_part: dict[Part, int] = field(default_factory=dict)

    def html(self, text: str, *, with_pixel: bool) -> list[Replacement[str]]:
        """Return the sorted replacements for an HTML part, the first one `with_pixel`."""
        self._check_signature(text)
        source = HtmlSource(text)
        tracked = self._track_links(Part.HTML, source.links())
        replacements = [*tracked, *self._fill_preference_links(text)]
        if self.with_trap_link and with_pixel and tracked:
            replacements.append(self.tracking_urls.trap_link(source.trap_index()))
        if with_pixel:
            replacements.append(self.tracking_urls.pixel(source.pixel_index()))
            if not source.loads_pixel():
                self.warn(WarningKind.PIXEL_NOT_LOADED, "the end of the HTML part is not shown")
        return sorted(replacements, key=lambda replacement: replacement.start)

    def text(self, text: str) -> list[Replacement[str]]:
        """Return the sorted replacements for a text part."""
        self._check_signature(text)
        replacements = [
            *self._track_links(Part.TEXT, find_urls(text)),
            *self._fill_preference_links(text),
        ]
        return sorted(replacements, key=lambda replacement: replacement.start)

    def warn(self, kind: WarningKind, detail: str) -> None:
        """Add a warning, once."""
        warning = MessageWarning(kind, detail)
        if warning not in self.warnings:
            self.warnings.append(warning)

    def _track_links(self, part: Part, found: Iterable[FoundLink]) -> list[Replacement[str]]:
        replacements = []
        for link in found:
            if _PREFERENCES_PLACEHOLDER.search(link.url):
                continue  # a preference link, which is filled in and not tracked
            reason = link.skip_reason or self._skip_reason(link.url)
            if reason is not None:
                self.skipped_links.append(SkippedLink(part, link.url, reason))
                if reason is SkipReason.ALREADY_TRACKED:
                    self.warn(WarningKind.ALREADY_TRACKED, link.url)
                continue
            self._check_tracked(link)
            position = self._links_per_part[part] = self._links_per_part.get(part, 0) + 1
            label = _valid_label(link.label) or f"{part}:{position}"
            self.links.append(NewLink(link.url, label=label))
            replacements.append(
                self.tracking_urls.link(len(self.links), start=link.start, end=link.end)
            )
        return replacements

    def _check_signature(self, text: str) -> None:
        if is_signed_inline(text):
            self.warn(WarningKind.SIGNATURE_INVALID, "inline OpenPGP")

    def _check_tracked(self, link: FoundLink) -> None:
        if looks_like_unsubscribe(link.url, link.text):
            self.warn(WarningKind.LOOKS_LIKE_UNSUBSCRIBE, link.url)
        if looks_like_placeholder(link.url):
            self.warn(WarningKind.LOOKS_LIKE_PLACEHOLDER, link.url)

    def _skip_reason(self, url: str) -> SkipReason | None:
        if self.tracking_urls.contains(url):
            return SkipReason.ALREADY_TRACKED
        if comparable_url(url) in self.unsubscribe_urls:
            return SkipReason.UNSUBSCRIBE
        return skip_reason(url)

    def _fill_preference_links(self, text: str) -> list[Replacement[str]]:
        return [
            self.tracking_urls.preference_link(found.start(), found.end())
            for found in _PREFERENCES_PLACEHOLDER.finditer(text)
        ]


def _valid_label(label: str) -> str:
    """Collapse white space and truncate a label to the bytes that the authority accepts."""
    line = " ".join(label.replace("\x00", " ").split())
    return line.encode(errors="replace")[:_MAX_LABEL_BYTES].decode(errors="ignore")
