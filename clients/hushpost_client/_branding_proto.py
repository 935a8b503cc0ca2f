"""Converts the branding of preference pages to and from the wire."""

from hushpost.v1 import branding_pb2
from hushpost_client._branding_types import PageBranding

__all__ = ["branding_message", "changed_branding", "page_branding"]

_OUTPUT_ONLY = "logo_media_type"


def branding_message(branding: PageBranding) -> branding_pb2.PageBranding:
    """Convert the fields of an update."""
    return branding_pb2.PageBranding(
        accent_color=branding.accent_color or "",
        logo=branding.logo or b"",
        imprint_url=branding.imprint_url or "",
        privacy_policy_url=branding.privacy_policy_url or "",
        intro=[
            branding_pb2.LocalizedText(language=language, text=text)
            for language, text in (branding.intro or {}).items()
        ],
        default_language=branding.default_language or "",
    )


def changed_branding(branding: PageBranding) -> list[str]:
    """Return the names of the fields that an update changes or removes."""
    names = PageBranding.__slots__
    return [name for name in names if name != _OUTPUT_ONLY and getattr(branding, name) is not None]


def page_branding(message: branding_pb2.PageBranding) -> PageBranding:
    """Convert the branding."""
    return PageBranding(
        accent_color=message.accent_color or None,
        logo=message.logo or None,
        logo_media_type=message.logo_media_type or None,
        imprint_url=message.imprint_url or None,
        privacy_policy_url=message.privacy_policy_url or None,
        intro={each.language: each.text for each in message.intro} or None,
        default_language=message.default_language or None,
    )
