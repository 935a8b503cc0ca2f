"""MIME messages: links in the text and HTML parts are edited in place, all other bytes stay."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import chain, pairwise, zip_longest

from hushpost_mail._errors import CampaignSourceError
from hushpost_mail._flowed_text import across_soft_breaks
from hushpost_mail._link_rewriter import LinkRewriter
from hushpost_mail._mail import Mail
from hushpost_mail._mime_structure import TextPart, find_text_parts, read_headers
from hushpost_mail._part_template import FindReplacements
from hushpost_mail._raw_message import RawMessage
from hushpost_mail._segments import Tokens
from hushpost_mail._transfer_encoding import EncodedPartTemplate, parse_encoded
from hushpost_mail._warnings import WarningKind

__all__ = ["MailTemplate", "list_unsubscribe_header", "parse_mime"]


_SIGNATURE_HEADERS = ("DKIM-Signature", "DomainKey-Signature", "ARC-Message-Signature")


@dataclass(frozen=True, slots=True)
class MailTemplate:
    """A parsed MIME message; implements `MessageTemplate`.

    Attributes:
        header: The header section.
        surroundings: The body before, between and after the parts; one more than parts.
        parts: The text and HTML parts.
    """

    header: bytes
    surroundings: tuple[bytes, ...]
    parts: tuple[EncodedPartTemplate, ...]

    @property
    def needs_preference_token(self) -> bool:
        """Whether a part contains a preference link."""
        return any(part.needs_preference_token for part in self.parts)

    def render(self, tokens: Tokens) -> Mail:
        """Render the mail: the source with its tokens, and no other change."""
        parts = (part.render(tokens) for part in self.parts)
        pieces = zip_longest(self.surroundings, parts, fillvalue=b"")
        return Mail(self.header, b"".join(chain.from_iterable(pieces)))


def list_unsubscribe_header(message: RawMessage) -> str:
    """Return the message's `List-Unsubscribe` header; empty if it has none."""
    headers, _ = read_headers(message.with_crlf())
    return " ".join(map(str, headers.get_all("List-Unsubscribe", [])))


def parse_mime(rewriter: LinkRewriter, message: RawMessage) -> MailTemplate:
    """Parse a MIME message.

    Raises:
        CampaignSourceError: The message is signed or encrypted, or has no text or HTML
            part, or the content of such a part is invalid.
    """
    source = message.with_crlf()
    text_parts = find_text_parts(source)
    if not text_parts:
        raise CampaignSourceError("the message has neither an HTML part nor a text part")
    headers, header_end = read_headers(source)
    for name in _SIGNATURE_HEADERS:
        if name in headers:
            rewriter.warn(WarningKind.SIGNATURE_INVALID, name)
    body_start = header_end + 2 if source.startswith(b"\r\n", header_end) else header_end
    edges = [body_start, *chain.from_iterable((part.start, part.end) for part in text_parts)]
    between = [source[start:end] for start, end in pairwise([*edges, len(source)])]
    return MailTemplate(
        source[:header_end],
        tuple(between[::2]),
        tuple(_parse_parts(rewriter, text_parts, between[1::2])),
    )


def _parse_parts(
    rewriter: LinkRewriter, parts: list[TextPart], contents: list[bytes]
) -> Iterator[EncodedPartTemplate]:
    """Parse the parts; the first HTML part gets the pixel."""
    has_pixel = False
    for part, content in zip(parts, contents, strict=True):
        find: FindReplacements = rewriter.text
        if part.is_html:
            find = partial(rewriter.html, with_pixel=not has_pixel)
            has_pixel = True
        elif part.is_flowed_without_spaces:
            find = across_soft_breaks(find)
        yield parse_encoded(content, part.transfer_encoding, part.charset, find)
