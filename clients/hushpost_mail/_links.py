"""The links of a message: those found, and those that are not tracked."""

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["FoundLink", "Part", "SkipReason", "SkippedLink"]


class Part(StrEnum):
    """The part of a message that contains a link."""

    HTML = "html"
    TEXT = "text"


class SkipReason(StrEnum):
    """Why a link is not tracked."""

    OTHER_SCHEME = "OTHER_SCHEME"
    """Neither http nor https, for example `mailto:`, `tel:` or `cid:`."""
    RELATIVE = "RELATIVE"
    """Relative, protocol-relative, empty, or only a fragment."""
    MARKED = "MARKED"
    """Marked with `data-hushpost="off"`, itself or an element around it."""
    ALREADY_TRACKED = "ALREADY_TRACKED"
    """A URL of the edge: a link or preference page of a rendered message."""
    UNSUBSCRIBE = "UNSUBSCRIBE"
    """Marked with `data-hushpost="unsubscribe"`, or listed in `List-Unsubscribe`."""
    PLACEHOLDER = "PLACEHOLDER"
    """Contains a merge field of another system, so the destination is not known yet."""
    NOT_REGISTRABLE = "NOT_REGISTRABLE"
    """Rejected by the authority: no host, an invalid port, or over 8,192 bytes."""
    UNCERTAIN = "UNCERTAIN"
    """A URL in the text part whose end is ambiguous."""


@dataclass(frozen=True, slots=True)
class FoundLink:
    """A link in a part, before the rules decide whether it is tracked.

    Attributes:
        start: Index of the first character of the URL in the part.
        end: Index after its last character.
        url: The destination, with HTML entities decoded.
        label: The label that the sender gave it, or empty.
        text: What readers see of it; empty in the text part.
        skip_reason: Why it is not tracked, if its position or markup forbids that.
    """

    start: int
    end: int
    url: str
    label: str = ""
    text: str = ""
    skip_reason: SkipReason | None = None


@dataclass(frozen=True, slots=True)
class SkippedLink:
    """A link that is not tracked and stays unchanged in every message.

    Attributes:
        part: The part that contains it.
        url: Its URL, with HTML entities decoded.
        reason: Why it is not tracked.
    """

    part: Part
    url: str
    reason: SkipReason
