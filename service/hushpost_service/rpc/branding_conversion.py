"""Converts the branding of preference pages between the protos and the domain."""

from collections.abc import Sequence
from typing import Any

from hushpost.v1 import branding_pb2
from hushpost_service.domain.errors import HushpostError, Reason
from hushpost_service.domain.page_branding import BrandingChange, PageBranding

__all__ = ["branding_message", "given_branding", "masked_branding"]

_FIELDS = (
    "accent_color",
    "logo",
    "imprint_url",
    "privacy_policy_url",
    "intro",
    "default_language",
)
_WHOLE = "branding"
_PATHS = {_WHOLE: _FIELDS, **{f"{_WHOLE}.{name}": (name,) for name in _FIELDS}}


def given_branding(message: branding_pb2.PageBranding) -> BrandingChange:
    """Return the fields that have a value."""
    return {name: value for name in _FIELDS if (value := _value(message, name))}


def masked_branding(
    message: branding_pb2.PageBranding, mask: Sequence[str]
) -> tuple[BrandingChange, list[str]]:
    """Return the fields that an update mask names, and the other paths of the mask.

    Unlike a setting of a policy, a field that is named and empty is removed.
    """
    names = {name for path in mask for name in _PATHS.get(path, ())}
    others = [path for path in mask if path not in _PATHS]
    return {name: _value(message, name) for name in _FIELDS if name in names}, others


def branding_message(branding: PageBranding) -> branding_pb2.PageBranding | None:
    """Convert the branding; None if nothing of it is set."""
    if branding == PageBranding():
        return None
    return branding_pb2.PageBranding(
        accent_color=branding.accent_color,
        logo=branding.logo,
        logo_media_type=branding.logo_type,
        imprint_url=branding.imprint_url,
        privacy_policy_url=branding.privacy_policy_url,
        intro=[
            branding_pb2.LocalizedText(language=language, text=text)
            for language, text in branding.intro.items()
        ],
        default_language=branding.default_language,
    )


def _value(message: branding_pb2.PageBranding, name: str) -> Any:
    return _texts(message) if name == "intro" else getattr(message, name)


def _texts(message: branding_pb2.PageBranding) -> dict[str, str]:
    """Return the texts by language. Raises FIELD_INVALID if a language has two."""
    texts = {each.language: each.text for each in message.intro}
    if len(texts) < len(message.intro):
        raise HushpostError(
            Reason.FIELD_INVALID,
            "policy.branding.intro must have one text per language",
            {"field": "branding.intro"},
        )
    return texts
