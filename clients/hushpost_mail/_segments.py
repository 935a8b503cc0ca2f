"""Splits content at its tokens, so that rendering is a call of `join`.

A `Replacement` puts a token at a place in a text. `split` applies all replacements of a
text at once and returns `Segments`: the content between the tokens. Rendering a message
then costs one `join` per kind of token, however long the message is.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final, Generic, TypeVar

__all__ = ["TOKEN_LENGTH", "Content", "Replacement", "Segments", "TokenKind", "split"]

TOKEN_LENGTH: Final = 56
"""Characters of a tracking token."""

Content = TypeVar("Content", str, bytes)


class TokenKind(Enum):
    """The two tokens of a message."""

    TRACKING = auto()
    PREFERENCE = auto()


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

    Preference tokens go between the groups, tracking tokens between the segments of a
    group.
    """

    groups: tuple[tuple[Content, ...], ...]

    def join(self, token: Content, preference_token: Content) -> Content:
        """Insert the tokens."""
        return preference_token.join([token.join(group) for group in self.groups])

    @property
    def needs_preference_token(self) -> bool:
        """Whether the content contains a preference link."""
        return len(self.groups) > 1


def split(content: Content, replacements: Iterable[Replacement[Content]]) -> Segments[Content]:
    """Apply replacements, which must be sorted and must not overlap."""
    groups: list[list[Content]] = [[]]
    after, end = content[:0], 0
    for replacement in replacements:
        groups[-1].append(after + content[end : replacement.start] + replacement.before)
        if replacement.token_kind is TokenKind.PREFERENCE:
            groups.append([])
        after, end = replacement.after, replacement.end
    groups[-1].append(after + content[end:])
    return Segments(tuple(tuple(group) for group in groups))
