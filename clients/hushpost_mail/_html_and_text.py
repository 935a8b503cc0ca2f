"""Messages as an HTML part, a text part or both, as str or as bytes."""

from dataclasses import dataclass
from functools import partial
from typing import Generic

from hushpost_mail._link_rewriter import LinkRewriter
from hushpost_mail._part_template import PartTemplate, parse_bytes, parse_str
from hushpost_mail._segments import Content, Tokens

__all__ = ["Parts", "PartsTemplate", "parse_bytes_parts", "parse_str_parts"]


@dataclass(frozen=True, slots=True)
class Parts(Generic[Content]):
    """The rendered parts of a message.

    Attributes:
        html: The HTML part; None if the campaign has none.
        text: The text part; None if the campaign has none.
    """

    html: Content | None
    text: Content | None


@dataclass(frozen=True, slots=True)
class PartsTemplate(Generic[Content]):
    """The parsed parts of a message; implements `MessageTemplate`."""

    html: PartTemplate[Content] | None
    text: PartTemplate[Content] | None

    @property
    def needs_preference_token(self) -> bool:
        """Whether a part contains a preference link."""
        return any(part.needs_preference_token for part in (self.html, self.text) if part)

    def render(self, tokens: Tokens) -> Parts[Content]:
        """Render the parts: the source with its tokens, and no other change."""
        return Parts(
            self.html.render(tokens) if self.html else None,
            self.text.render(tokens) if self.text else None,
        )


def parse_str_parts(
    rewriter: LinkRewriter, html: str | None, text: str | None
) -> PartsTemplate[str]:
    """Parse parts that are strings."""
    find_in_html = partial(rewriter.html, with_pixel=True)
    return PartsTemplate(
        None if html is None else parse_str(html, find_in_html),
        None if text is None else parse_str(text, rewriter.text),
    )


def parse_bytes_parts(
    rewriter: LinkRewriter, html: bytes | None, text: bytes | None, charset: str
) -> PartsTemplate[bytes]:
    """Parse parts that are bytes in a charset."""
    find_in_html = partial(rewriter.html, with_pixel=True)
    return PartsTemplate(
        None if html is None else parse_bytes(html, charset, find_in_html),
        None if text is None else parse_bytes(text, charset, rewriter.text),
    )
