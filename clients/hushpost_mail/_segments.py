"""Splits content at its tokens, so that rendering is a call of `join`.

A `Replacement` puts a token at a place in a text. `split` applies all replacements of a
text at once and returns `Segments`: the content between the tokens. Rendering a message
then costs a few calls of `join`, however long the message is.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final, Generic, NamedTuple, TypeVar

__all__ = ["TOKEN_LENGTH", "Content", "Replacement", "Segments", "TokenKind", "Tokens", "split"]

TOKEN_LENGTH: Final = 56
"""Characters of a tracking token."""

Content = TypeVar("Content", str, bytes)


class TokenKind(Enum):
    """What a token is for."""

    PIXEL = auto()
    LINK = auto()
    PREFERENCE = auto()


class Tokens(NamedTuple):
    """The tokens of a message; pixel and links have the same one in most messages.

    Attributes:
        pixel: The token for the pixel; "" for no pixel.
        link: The token for links; "" leaves links unchanged.
        preference: The token for preference links.
    """

    pixel: str
    link: str
    preference: str


@dataclass(frozen=True, slots=True)
class Replacement(Generic[Content]):
    """Replaces a range of content by `before`, a token and `after`.

    Attributes:
        start: Index of the replaced range.
        end: Index after the range; equal to `start` for an insertion.
        before: What precedes the token.
        token_kind: The token to insert.
        after: What follows the token.
    """

    start: int
    end: int
    before: Content
    token_kind: TokenKind
    after: Content


@dataclass(frozen=True, slots=True)
class Segments(Generic[Content]):
    """Content without its tokens.

    Preference tokens go between the groups, the pixel's token between the parts of a group,
    and tokens for links between the segments of a part.
    """

    groups: tuple[tuple[tuple[Content, ...], ...], ...]

    def join(self, pixel: Content, link: Content, preference: Content) -> Content:
        """Insert the tokens."""
        return preference.join(
            [pixel.join([link.join(part) for part in group]) for group in self.groups]
        )

    @property
    def needs_preference_token(self) -> bool:
        """Whether the content contains a preference link."""
        return len(self.groups) > 1

    @property
    def is_unchanged(self) -> bool:
        """Whether the content is the source, without any token."""
        return len(self.groups) == len(self.groups[0]) == len(self.groups[0][0]) == 1


def split(content: Content, replacements: Iterable[Replacement[Content]]) -> Segments[Content]:
    """Apply replacements, which must be sorted and must not overlap."""
    groups: list[list[list[Content]]] = [[[]]]
    after, end = content[:0], 0
    for replacement in replacements:
        groups[-1][-1].append(after + content[end : replacement.start] + replacement.before)
        if replacement.token_kind is TokenKind.PREFERENCE:
            groups.append([[]])
        elif replacement.token_kind is TokenKind.PIXEL:
            groups[-1].append([])
        after, end = replacement.after, replacement.end
    groups[-1][-1].append(after + content[end:])
    return Segments(tuple(tuple(map(tuple, group)) for group in groups))
