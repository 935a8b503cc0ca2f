"""The tenant's part of preference pages."""

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["PageBranding"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PageBranding:
    """How a tenant's preference page looks, and what it says besides.

    In a `PolicyUpdate`, None leaves a field as it is, and an empty value removes it. Otherwise,
    None is a field that is not set.

    Attributes:
        accent_color: The color of buttons and links, as "#rrggbb". The page makes it darker or
            lighter where its contrast is too low.
        logo: A PNG, JPEG, WebP or SVG image of at most 65,536 bytes.
        logo_media_type: The type of the logo, such as "image/png"; ignored in an update.
        imprint_url: An absolute https URL of at most 2,048 bytes.
        privacy_policy_url: The same for the privacy policy.
        intro: Introductions by language (BCP 47), for the top of the page: at most 20, each of
            at most 2,000 bytes.
        default_language: The language for readers whose browser asks for none that the page
            has.
    """

    accent_color: str | None = None
    logo: bytes | None = None
    logo_media_type: str | None = None
    imprint_url: str | None = None
    privacy_policy_url: str | None = None
    intro: Mapping[str, str] | None = None
    default_language: str | None = None
