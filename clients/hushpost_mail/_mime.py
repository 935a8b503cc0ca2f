"""MIME messages: the text and HTML parts are edited in place, all other bytes stay.

The message is serialized twice, once as it is and once with a random mark in place of
each text part. The second result, split at the marks, is what surrounds the parts.
"""

import re
import secrets
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from email.generator import BytesGenerator
from email.message import Message
from email.policy import SMTP
from functools import partial
from io import BytesIO

from hushpost_mail._errors import CampaignSourceError
from hushpost_mail._link_rewriter import LinkRewriter
from hushpost_mail._part_template import FindReplacements
from hushpost_mail._segments import Tokens
from hushpost_mail._transfer_encoding import (
    IDENTITY_ENCODINGS,
    EncodedPartTemplate,
    parse_encoded,
)

__all__ = ["Mail", "MailTemplate", "list_unsubscribe_header", "parse_mime"]

_LINE_END = re.compile(rb"\r\n|\r|\n")
_HEADER_FIELD = re.compile(rb"([!-9;-~]+):.*?\r\n(?![ \t])", re.DOTALL)
_SIGNED_OR_ENCRYPTED = ("multipart/signed", "multipart/encrypted")


@dataclass(frozen=True, slots=True)
class Mail:
    """A rendered MIME message with CRLF line ends; `bytes(mail)` is ready for SMTP.

    Attributes:
        header: The header section, without the empty line that ends it.
        body: Everything after the empty line.
    """

    header: bytes
    body: bytes

    def __bytes__(self) -> bytes:
        return b"%b\r\n%b" % (self.header, self.body)

    def with_headers(self, headers: Mapping[str, str]) -> "Mail":
        """Return a copy with per-recipient headers such as `To` and `Message-ID`.

        They come first and replace existing headers of the same name.

        Raises:
            ValueError: if a value contains a line break.
        """
        names = {name.lower().encode() for name in headers}
        kept = [
            field[0]
            for field in _HEADER_FIELD.finditer(self.header)
            if field[1].lower() not in names
        ]
        return Mail(b"".join([*map(_fold_header, headers.items()), *kept]), self.body)


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
        parts = [part.render(tokens) for part in self.parts]
        return Mail(self.header, b"".join(_interleave(self.surroundings, parts)))


def list_unsubscribe_header(message: Message) -> str:
    """Return the message's `List-Unsubscribe` header; empty if it has none."""
    return " ".join(map(str, message.get_all("List-Unsubscribe", [])))


def parse_mime(rewriter: LinkRewriter, message: Message) -> MailTemplate:
    """Parse a MIME message; `message` itself is not modified.

    Raises:
        CampaignSourceError: if the message is signed or encrypted, has no text or HTML
            part, or does not survive serialization.
    """
    message = deepcopy(message)
    serialized = _serialize(message)  # also generates the multipart boundaries
    text_parts = list(_text_parts(message))
    if not text_parts:
        raise CampaignSourceError("the message has neither an HTML part nor a text part")
    contents = [_encoded_content(part) for part in text_parts]
    surroundings = _serialize_without(message, text_parts)
    if serialized != b"".join(_interleave(surroundings, contents)):
        raise CampaignSourceError(
            "the email package serializes a part of this message differently from its "
            "content: parse the message from bytes with email.message_from_bytes"
        )
    header, _, body_start = surroundings[0].partition(b"\r\n\r\n")
    return MailTemplate(
        header + b"\r\n",
        (body_start, *surroundings[1:]),
        tuple(_parse_parts(rewriter, text_parts, contents)),
    )


def _text_parts(message: Message) -> Iterator[Message]:
    """Yield the text and HTML parts, except attachments and forwarded messages."""
    content_type = message.get_content_type()
    if content_type in _SIGNED_OR_ENCRYPTED:
        raise CampaignSourceError(
            f"a {content_type} message cannot be changed: sign or encrypt the rendered "
            "messages instead"
        )
    if message.get_content_maintype() == "multipart":
        for part in message.get_payload():
            if isinstance(part, Message):
                yield from _text_parts(part)
    elif (
        content_type in ("text/html", "text/plain")
        and message.get_content_disposition() != "attachment"
        and message.get_filename() is None
    ):
        yield message


def _encoded_content(part: Message) -> bytes:
    """Return the content of a part in its transfer encoding, with CRLF line ends."""
    if _transfer_encoding(part) in IDENTITY_ENCODINGS:
        # decode=True returns the original bytes; without it they are decoded to str.
        content = part.get_payload(decode=True)
    else:
        content = str(part.get_payload()).encode("ascii", "replace")
    if not isinstance(content, bytes):
        raise CampaignSourceError("a text or HTML part has no content")
    return _LINE_END.sub(b"\r\n", content)


def _transfer_encoding(part: Message) -> str:
    return str(part.get("Content-Transfer-Encoding", "")).strip().lower()


def _serialize(message: Message) -> bytes:
    output = BytesIO()
    policy = message.policy.clone(linesep="\r\n")
    BytesGenerator(output, mangle_from_=False, policy=policy).flatten(message)
    return output.getvalue()


def _serialize_without(message: Message, parts: list[Message]) -> list[bytes]:
    """Return what is before, between and after the parts, whose content is overwritten."""
    mark = secrets.token_hex(16)
    for part in parts:
        part.set_payload(mark)
    return _serialize(message).split(mark.encode())


def _interleave(surroundings: Sequence[bytes], parts: Sequence[bytes]) -> list[bytes]:
    interleaved = [b""] * (len(surroundings) + len(parts))
    interleaved[::2], interleaved[1::2] = surroundings, parts
    return interleaved


def _parse_parts(
    rewriter: LinkRewriter, parts: list[Message], contents: list[bytes]
) -> Iterator[EncodedPartTemplate]:
    """Parse the parts; the first HTML part gets the pixel."""
    has_pixel = False
    for part, content in zip(parts, contents, strict=True):
        find: FindReplacements = rewriter.text
        if part.get_content_subtype() == "html":
            find = partial(rewriter.html, with_pixel=not has_pixel)
            has_pixel = True
        charset = part.get_content_charset() or ""
        yield parse_encoded(content, _transfer_encoding(part), charset, find)


def _fold_header(header: tuple[str, str]) -> bytes:
    """Serialize a header, folded and encoded for SMTP."""
    folded: str = SMTP.fold(*SMTP.header_store_parse(*header))
    return folded.encode("ascii", "surrogateescape")
