"""What a sender should look at before a campaign goes out."""

import re
from dataclasses import dataclass
from enum import StrEnum

__all__ = ["MessageWarning", "WarningKind", "is_signed_inline", "looks_like_unsubscribe"]


class WarningKind(StrEnum):
    """What a warning is about."""

    PIXEL_NOT_LOADED = "PIXEL_NOT_LOADED"
    """Mail programs will not load the pixel, because the HTML around it is broken."""
    SIGNATURE_INVALID = "SIGNATURE_INVALID"
    """The message has a signature, which tracking makes invalid."""
    LOOKS_LIKE_UNSUBSCRIBE = "LOOKS_LIKE_UNSUBSCRIBE"
    """A tracked link may be one that ends the subscription."""
    LOOKS_LIKE_PLACEHOLDER = "LOOKS_LIKE_PLACEHOLDER"
    """A tracked link may contain a placeholder of another system."""
    ALREADY_TRACKED = "ALREADY_TRACKED"
    """A link leads to the edge already, so the source may be a rendered message."""


@dataclass(frozen=True, slots=True)
class MessageWarning:
    """A warning about a message. It can be sent all the same.

    Attributes:
        kind: What it is about.
        detail: The URL of the link, or what was found.
    """

    kind: WarningKind
    detail: str


# English, German, French, Italian, Spanish, Dutch, Portuguese.
_UNSUBSCRIBE = re.compile(
    r"unsub|opt[-_ ]?out|list[-_]?leave|remove[-_ ]me|abmeld|abbestell|austragen"
    r"|d[eé]s(?:inscri|abonn)|disiscri|annulla\w* (?:l.)?iscrizion|de[-_ ]baja"
    r"|cancelar[-_ ](?:la[-_ ])?(?:suscrip|inscri|subscri)|afmelden|uitschrijven",
    re.IGNORECASE,
)
_INLINE_SIGNATURE = "-----BEGIN PGP "


def looks_like_unsubscribe(url: str, text: str) -> bool:
    """Return whether a link seems to end the subscription, by its URL or its text."""
    return bool(_UNSUBSCRIBE.search(url) or _UNSUBSCRIBE.search(text))


def is_signed_inline(text: str) -> bool:
    """Return whether a part has an inline OpenPGP signature or encryption (RFC 9580, 7)."""
    return _INLINE_SIGNATURE in text
