"""What the search for links answers: those to rewrite, and those left alone with the reason."""

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["FoundLink", "Part", "SkipReason", "SkippedLink"]


class Part(StrEnum):
    """Where in a message a link stands."""

    HTML = "html"
    TEXT = "text"


class SkipReason(StrEnum):
    """Why a link stays as it is."""

    OTHER_SCHEME = "OTHER_SCHEME"
    """Neither http nor https: `mailto:`, `tel:`, `cid:` and alike."""
    RELATIVE = "RELATIVE"
    """Relative, protocol-relative, empty, or a place in the message itself."""
    MARKED = "MARKED"
    """`data-hushpost="off"`."""
    UNSUBSCRIBE = "UNSUBSCRIBE"
    """`data-hushpost="unsubscribe"`, or the URL stands in `List-Unsubscribe`."""
    PLACEHOLDER = "PLACEHOLDER"
    """Another system fills in a part of it later: where it leads is not known yet."""
    NOT_REGISTRABLE = "NOT_REGISTRABLE"
    """The authority takes no such URL: no host, a bad port, or over 8,192 bytes."""
    UNCERTAIN = "UNCERTAIN"
    """In the text part, and where it ends can't be told."""


@dataclass(frozen=True, slots=True)
class FoundLink:
    """A link of a part, before it is known whether it will be rewritten.

    Attributes:
        start: Index of its first character in the part's text.
        end: Index after its last.
        url: Where it leads, entities decoded.
        label: The sender's own, or empty.
        left: Why it stays as it is; None if it may be rewritten.
    """

    start: int
    end: int
    url: str
    label: str = ""
    left: SkipReason | None = None


@dataclass(frozen=True, slots=True)
class SkippedLink:
    """A link that stays as it is in every message.

    Attributes:
        part: Where it stands.
        url: What is written there, entities decoded.
        reason: Why it is left.
    """

    part: Part
    url: str
    reason: SkipReason
