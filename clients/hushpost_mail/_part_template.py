"""One part of a message, parsed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic

from hushpost_mail._charset import decode
from hushpost_mail._segments import Content, Replacement, Segments, TokenKind, split

__all__ = ["FindReplacements", "PartTemplate", "parse_bytes", "parse_str", "part_template"]

FindReplacements = Callable[[str], list[Replacement[str]]]
"""Returns the sorted replacements for a text: `LinkRewriter.html` or `LinkRewriter.text`."""


@dataclass(frozen=True, slots=True)
class PartTemplate(Generic[Content]):
    """A parsed part.

    Attributes:
        tracked: The segments for messages with tracking.
        untracked: The segments for mode OFF: the source, split at preference links only.
        encode: Encodes a token for this part.
    """

    tracked: Segments[Content]
    untracked: Segments[Content]
    encode: Callable[[str], Content]

    @property
    def needs_preference_token(self) -> bool:
        """Whether the part contains a preference link."""
        return self.untracked.needs_preference_token

    def render_tracked(self, token: str, preference_token: str) -> Content:
        """Render the part with pixel and redirect links."""
        return self.tracked.join(self.encode(token), self.encode(preference_token))

    def render_untracked(self, preference_token: str) -> Content:
        """Render the source with preference links filled in and no other change."""
        return self.untracked.join(self.encode(""), self.encode(preference_token))


def part_template(
    content: Content,
    replacements: Sequence[Replacement[Content]],
    encode: Callable[[str], Content],
) -> PartTemplate[Content]:
    """Build the template of a part from its replacements."""
    preference_links = [
        replacement
        for replacement in replacements
        if replacement.token_kind is TokenKind.PREFERENCE
    ]
    return PartTemplate(split(content, replacements), split(content, preference_links), encode)


def parse_str(content: str, find: FindReplacements) -> PartTemplate[str]:
    """Parse a part that is a string."""
    return part_template(content, find(content), str)


def parse_bytes(content: bytes, charset: str, find: FindReplacements) -> PartTemplate[bytes]:
    """Parse a part that is bytes in a charset."""
    decoded = decode(content, charset)
    replacements = decoded.byte_replacements(find(decoded.text))
    return part_template(content, replacements, lambda token: token.encode(decoded.codec))
