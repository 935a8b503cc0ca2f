"""The URLs of links, pixel and preference page on the edge."""

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from hushpost_mail._segments import Replacement, TokenKind
from hushpost_mail._url_rules import comparable_url

__all__ = ["TrackingUrls"]

# The URL is put into plain text and into attributes, quoted or not, so it must not
# contain a character that ends one of them.
_SAFE_URL = re.compile(r"https?://[A-Za-z0-9._~:/@\[\]-]+", re.IGNORECASE)

# Transparent, and absolutely positioned for clients that ignore width and opacity.
# Not `display:none`, because some clients do not load hidden images.
_PIXEL_STYLE = (
    "position:absolute;width:1px;height:1px;margin:0;padding:0;border:0;opacity:0;overflow:hidden"
)


# Neither seen, read out nor reached with the keyboard. Outlook ignores `display:none`.
_TRAP_ATTRIBUTES = 'style="display:none;mso-hide:all" aria-hidden="true" tabindex="-1"'
_TRAP_LINK = 0
"""The edge redirects this number to the first link of the campaign."""


@dataclass(frozen=True, slots=True)
class TrackingUrls:
    """Creates the replacements that put URLs of the edge into a text.

    Attributes:
        base: The public URL of the edge, without a slash at the end.

    Raises:
        ValueError: if `base` is not a plain http or https URL.
    """

    base: str

    def __post_init__(self) -> None:
        if not _SAFE_URL.fullmatch(self.base) or not urlsplit(self.base).hostname:
            raise ValueError(
                "tracking_url must be an http or https URL with a host, without a query, "
                f"such as https://t.example.com; got {self.base!r}"
            )
        object.__setattr__(self, "base", self.base.rstrip("/"))

    def contains(self, url: str) -> bool:
        """Return whether a URL is one of the edge's: a link, pixel or preference page."""
        base, found = comparable_url(self.base).rstrip("/"), comparable_url(url)
        return found.startswith((f"{base}/c/", f"{base}/o/", f"{base}/p/"))

    def link(self, link_number: int, start: int, end: int) -> Replacement[str]:
        """Replace the URL of a link by its redirect URL."""
        return Replacement(start, end, f"{self.base}/c/", TokenKind.LINK, f"/{link_number}")

    def pixel(self, index: int) -> Replacement[str]:
        """Insert the pixel as an `<img>` element."""
        return Replacement(
            index,
            index,
            f'<img src="{self.base}/o/',
            TokenKind.PIXEL,
            f'.gif" width="1" height="1" alt="" border="0" style="{_PIXEL_STYLE}" />',
        )

    def trap_link(self, index: int) -> Replacement[str]:
        """Insert a link that only programs follow, as an empty `<a>` element."""
        before, after = f'<a href="{self.base}/c/', f'/{_TRAP_LINK}" {_TRAP_ATTRIBUTES}></a>'
        return Replacement(index, index, before, TokenKind.LINK, after)

    def preference_link(self, start: int, end: int) -> Replacement[str]:
        """Replace a placeholder by the URL of the preference page."""
        return Replacement(start, end, f"{self.base}/p/", TokenKind.PREFERENCE, "")

    def preference_url(self, preference_token: str) -> str:
        """Return the URL of a contact's preference page."""
        return f"{self.base}/p/{preference_token}"
