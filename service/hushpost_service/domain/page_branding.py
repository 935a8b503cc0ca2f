"""The branding of preference pages, and which values it takes. Pure."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any
from urllib.parse import urlsplit

from hushpost_service.domain.errors import HushpostError, Reason
from hushpost_service.domain.logo_type import logo_type
from hushpost_service.domain.validation import checked_language, checked_text, is_web_address

__all__ = [
    "MAX_LOGO_BYTES",
    "BrandingChange",
    "PageBranding",
    "branding_content",
    "checked_branding",
]

MAX_LOGO_BYTES = 65_536
_MAX_URL_BYTES = 2048
_MAX_TEXTS = 20
_MAX_TEXT_BYTES = 2000
_COLOR = re.compile("#[0-9a-fA-F]{6}")

BrandingChange = Mapping[str, Any]
"""New values by the name of their field in `PageBranding`; an empty value removes the field."""


@dataclass(frozen=True, slots=True)
class PageBranding:
    """The tenant's part of a preference page; empty values are not set.

    Attributes:
        accent_color: The color of buttons and links, as #rrggbb.
        logo: An image.
        imprint_url: An https URL.
        privacy_policy_url: An https URL.
        intro: Introductions by language.
        default_language: A language tag.
    """

    accent_color: str = ""
    logo: bytes = b""
    imprint_url: str = ""
    privacy_policy_url: str = ""
    intro: Mapping[str, str] = field(default_factory=dict)
    default_language: str = ""

    @property
    def logo_type(self) -> str:
        """The media type of the logo; empty without one."""
        return logo_type(self.logo) or ""


def checked_branding(change: BrandingChange) -> BrandingChange:
    """Return a change. Raises FIELD_INVALID, which names the field."""
    for name, value in change.items():
        if value:
            _CHECKS[name](value, f"branding.{name}")
    return change


def branding_content(change: BrandingChange) -> dict[str, object]:
    """Return a change for the digest of a request."""
    return {
        name: sha256(value).hexdigest() if isinstance(value, bytes) else value
        for name, value in change.items()
    }


def _check(is_valid: Callable[[Any], bool], rule: str) -> Callable[[Any, str], None]:
    def check(value: Any, path: str) -> None:
        if not is_valid(value):
            raise _invalid(path, rule)

    return check


def _invalid(path: str, rule: str) -> HushpostError:
    return HushpostError(Reason.FIELD_INVALID, f"policy.{path} {rule}", {"field": path})


def _check_logo(value: bytes, path: str) -> None:
    if len(value) > MAX_LOGO_BYTES:
        raise _invalid(path, f"must have at most {MAX_LOGO_BYTES:,} bytes")
    if logo_type(value) is None:
        raise _invalid(path, "must be a PNG, JPEG, WebP or SVG image")


def _check_texts(texts: Mapping[str, str], path: str) -> None:
    if len(texts) > _MAX_TEXTS:
        raise _invalid(path, f"must have at most {_MAX_TEXTS} texts")
    for language, text in texts.items():
        if not (language and text.strip()):
            raise _invalid(path, "must have a language and a text in each item")
        checked_language(language, path)
        checked_text(text, path, _MAX_TEXT_BYTES)


def _is_https(url: str) -> bool:
    return (
        len(url.encode()) <= _MAX_URL_BYTES
        and is_web_address(url)
        and urlsplit(url).scheme == "https"
    )


_https = _check(_is_https, f"must be an absolute https URL of at most {_MAX_URL_BYTES:,} bytes")

_CHECKS: Mapping[str, Callable[[Any, str], object]] = {
    "accent_color": _check(
        lambda value: _COLOR.fullmatch(value) is not None, "must be a color such as #0b57a4"
    ),
    "logo": _check_logo,
    "imprint_url": _https,
    "privacy_policy_url": _https,
    "intro": _check_texts,
    "default_language": checked_language,
}
