"""What a sender adds to its preference pages: a logo, a color, links and an introduction."""

import base64
from typing import NamedTuple

from hushpost_client import PageBranding
from hushpost_edge.accent_colors import accent_style

__all__ = ["BrandedPage", "branded_page"]


class BrandedPage(NamedTuple):
    """The branding of a page in one language. Empty values are not shown.

    Attributes:
        logo: The image as a `data:` URL. A page shows it as an image, which runs no scripts and
            loads nothing, even if it is an SVG.
        intro: The introduction.
        intro_language: Its language, which may differ from that of the page.
        imprint_url: The address of the imprint.
        privacy_policy_url: The address of the privacy policy.
        style: Rules that follow those of the stylesheet.
    """

    logo: str = ""
    intro: str = ""
    intro_language: str = ""
    imprint_url: str = ""
    privacy_policy_url: str = ""
    style: str = ""

    @property
    def wording(self) -> tuple[str, ...]:
        """What belongs to the wording of the page."""
        return self.intro, self.imprint_url, self.privacy_policy_url


def branded_page(branding: PageBranding, language: str) -> BrandedPage:
    """Return the branding of a page in a language."""
    intro_language, intro = _intro(branding, language)
    return BrandedPage(
        logo=_data_url(branding),
        intro=intro,
        intro_language=intro_language,
        imprint_url=branding.imprint_url or "",
        privacy_policy_url=branding.privacy_policy_url or "",
        style=accent_style(branding.accent_color) if branding.accent_color else "",
    )


def _intro(branding: PageBranding, language: str) -> tuple[str, str]:
    """Return the language and text of the introduction for a reader of `language`."""
    texts = branding.intro or {}
    for wanted in filter(None, (language, branding.default_language)):
        for tag, text in texts.items():
            if _primary(tag) == _primary(wanted):
                return tag, text
    return "", ""


def _primary(tag: str) -> str:
    return tag.partition("-")[0].lower()


def _data_url(branding: PageBranding) -> str:
    if not (branding.logo and branding.logo_media_type):
        return ""
    return f"data:{branding.logo_media_type};base64,{base64.b64encode(branding.logo).decode()}"
