"""Parses MIME parts in their content transfer encoding (RFC 2045).

Quoted-printable and unencoded parts are edited in place. Base64 parts have to be encoded
again for every message.
"""

import re
from binascii import Error as Base64Error
from binascii import a2b_base64, b2a_base64
from dataclasses import dataclass

from hushpost_mail._charset import decode
from hushpost_mail._errors import CampaignSourceError
from hushpost_mail._part_template import (
    FindReplacements,
    PartTemplate,
    parse_bytes,
    part_template,
)
from hushpost_mail._quoted_printable import QuotedPrintable
from hushpost_mail._segments import TOKEN_LENGTH, Tokens

__all__ = ["IDENTITY_ENCODINGS", "EncodedPartTemplate", "parse_encoded"]

IDENTITY_ENCODINGS = ("", "7bit", "8bit", "binary")
"""The transfer encodings that leave content as it is."""

_BASE64_LINE_BYTES = 76

_MAX_LINE_BYTES = 998
"""The longest line that every SMTP server accepts, without CRLF (RFC 5321, 4.5.3.1.6)."""


@dataclass(frozen=True, slots=True)
class _Base64PartTemplate:
    """A parsed part in base64.

    A replacement shifts all bytes that follow, so the part is encoded for every message.
    If nothing changes, the source is returned.
    """

    encoded: bytes
    content: PartTemplate[bytes]

    @property
    def needs_preference_token(self) -> bool:
        return self.content.needs_preference_token

    def render(self, tokens: Tokens) -> bytes:
        if self.content.is_unchanged(tokens):
            return self.encoded
        return _encode_base64(self.content.render(tokens))


EncodedPartTemplate = PartTemplate[bytes] | _Base64PartTemplate
"""A parsed part that renders in its transfer encoding."""


def parse_encoded(
    encoded: bytes, transfer_encoding: str, charset: str, find: FindReplacements
) -> EncodedPartTemplate:
    """Parse a part that is in a transfer encoding.

    Raises:
        CampaignSourceError: if the transfer encoding is unknown or its content
            invalid, or if a line would exceed the SMTP limit.
    """
    if transfer_encoding == "base64":
        return _Base64PartTemplate(encoded, parse_bytes(_decode_base64(encoded), charset, find))
    if transfer_encoding == "quoted-printable":
        return _parse_quoted_printable(encoded, charset, find)
    if transfer_encoding not in IDENTITY_ENCODINGS:
        raise CampaignSourceError(
            f"Content-Transfer-Encoding {transfer_encoding!r} is not supported: "
            "use quoted-printable or base64"
        )
    part = parse_bytes(encoded, charset, find)
    _check_line_lengths(encoded, part)
    return part


def _decode_base64(encoded: bytes) -> bytes:
    try:
        return a2b_base64(encoded)
    except Base64Error as error:
        raise CampaignSourceError(f"a part contains invalid base64: {error}") from None


def _parse_quoted_printable(
    encoded: bytes, charset: str, find: FindReplacements
) -> PartTemplate[bytes]:
    source = QuotedPrintable.decode(encoded)
    decoded = decode(source.content, charset)
    if "a".encode(decoded.codec) != b"a":
        raise CampaignSourceError(
            f"a quoted-printable part has the charset {charset}, which does not contain "
            "ASCII: use base64"
        )
    replacements = decoded.byte_replacements(find(decoded.text))
    return part_template(encoded, source.encoded_replacements(replacements), str.encode)


def _check_line_lengths(encoded: bytes, part: PartTemplate[bytes]) -> None:
    rendered = part.render(Tokens(*["t" * TOKEN_LENGTH] * 3))
    if _has_long_line(rendered) and not _has_long_line(encoded):
        raise CampaignSourceError(
            f"a tracked link makes a line longer than {_MAX_LINE_BYTES} bytes: encode the "
            "part as quoted-printable or base64, or break the line"
        )


def _has_long_line(content: bytes) -> bool:
    return any(len(line) > _MAX_LINE_BYTES for line in re.split(rb"\r?\n", content))


def _encode_base64(content: bytes) -> bytes:
    encoded = b2a_base64(content, newline=False)
    lines = [
        encoded[start : start + _BASE64_LINE_BYTES]
        for start in range(0, len(encoded), _BASE64_LINE_BYTES)
    ]
    return b"\r\n".join([*lines, b""])
