"""Messages as plain strings or bytes: an HTML part, a text part or both."""

from dataclasses import dataclass
from functools import partial
from typing import Generic

from hushpost_mail._part import PartPieces, bytes_part, str_part
from hushpost_mail._pieces import Content
from hushpost_mail._search import Search

__all__ = ["Parts", "PartsPieces", "bytes_parts", "str_parts"]


@dataclass(frozen=True, slots=True)
class Parts(Generic[Content]):
    """A rendered message.

    Attributes:
        html: The HTML part; None if none was given.
        text: The text part; None if none was given.
    """

    html: Content | None
    text: Content | None


@dataclass(frozen=True, slots=True)
class PartsPieces(Generic[Content]):
    """The parts taken apart."""

    html: PartPieces[Content] | None
    text: PartPieces[Content] | None

    @property
    def takes_preference_token(self) -> bool:
        """Whether a preference link has a place in it."""
        return any(part.takes_preference_token for part in (self.html, self.text) if part)

    def tracked(self, token: str, preference_token: str) -> Parts[Content]:
        """Answer the parts with pixel and rewritten links."""
        return Parts(
            self.html.tracked(token, preference_token) if self.html else None,
            self.text.tracked(token, preference_token) if self.text else None,
        )

    def untracked(self, preference_token: str) -> Parts[Content]:
        """Answer the parts as they were given, their preference links filled."""
        return Parts(
            self.html.untracked(preference_token) if self.html else None,
            self.text.untracked(preference_token) if self.text else None,
        )


def str_parts(search: Search, html: str | None, text: str | None) -> PartsPieces[str]:
    """Take strings apart."""
    return PartsPieces(
        None if html is None else str_part(html, partial(search.html, with_pixel=True)),
        None if text is None else str_part(text, search.text),
    )


def bytes_parts(
    search: Search, html: bytes | None, text: bytes | None, charset: str
) -> PartsPieces[bytes]:
    """Take bytes apart."""
    return PartsPieces(
        None if html is None else bytes_part(html, charset, partial(search.html, with_pixel=True)),
        None if text is None else bytes_part(text, charset, search.text),
    )
