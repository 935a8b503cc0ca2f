"""One part of a message, parsed."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Generic, NamedTuple

from hushpost_mail._charset import decode
from hushpost_mail._segments import Content, Replacement, Segments, TokenKind, Tokens, split

__all__ = ["FindReplacements", "PartTemplate", "parse_bytes", "parse_str", "part_template"]

FindReplacements = Callable[[str], list[Replacement[str]]]
"""Returns the sorted replacements for a text: `LinkRewriter.html` or `LinkRewriter.text`."""


class _Tracking(NamedTuple):
    """What of a part is tracked."""

    pixel: bool
    links: bool


@dataclass(frozen=True, slots=True)
class PartTemplate(Generic[Content]):
    """A parsed part.

    Attributes:
        by_tracking: The segments of the source with or without a pixel, and with or without
            redirect links.
        encode: Encodes a token for this part.
    """

    by_tracking: Mapping[_Tracking, Segments[Content]]
    encode: Callable[[str], Content]

    @property
    def needs_preference_token(self) -> bool:
        """Whether the part contains a preference link."""
        return self.by_tracking[_Tracking(pixel=False, links=False)].needs_preference_token

    def render(self, tokens: Tokens) -> Content:
        """Render the part: the source with its tokens, and no other change."""
        return self._segments(tokens).join(*map(self.encode, tokens))

    def is_unchanged(self, tokens: Tokens) -> bool:
        """Return whether the rendered part is the source."""
        return self._segments(tokens).is_unchanged

    def _segments(self, tokens: Tokens) -> Segments[Content]:
        return self.by_tracking[_Tracking(bool(tokens.pixel), bool(tokens.link))]


def part_template(
    content: Content,
    replacements: Sequence[Replacement[Content]],
    encode: Callable[[str], Content],
) -> PartTemplate[Content]:
    """Build the template of a part from its replacements."""

    def segments(tracking: _Tracking) -> Segments[Content]:
        is_used = {
            TokenKind.PIXEL: tracking.pixel,
            TokenKind.LINK: tracking.links,
            TokenKind.PREFERENCE: True,
        }
        return split(content, [each for each in replacements if is_used[each.token_kind]])

    all_trackings = map(_Tracking._make, product((False, True), repeat=2))
    return PartTemplate({tracking: segments(tracking) for tracking in all_trackings}, encode)


def parse_str(content: str, find: FindReplacements) -> PartTemplate[str]:
    """Parse a part that is a string."""
    return part_template(content, find(content), str)


def parse_bytes(content: bytes, charset: str, find: FindReplacements) -> PartTemplate[bytes]:
    """Parse a part that is bytes in a charset."""
    decoded = decode(content, charset)
    replacements = decoded.byte_replacements(find(decoded.text))
    return part_template(content, replacements, lambda token: token.encode(decoded.codec))
