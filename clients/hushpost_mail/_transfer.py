"""Parts in their transfer encodings (RFC 2045): taken apart without being encoded anew."""

import re
from binascii import Error as Base64Error
from binascii import a2b_base64, b2a_base64
from dataclasses import dataclass

from hushpost_mail._charset import decode
from hushpost_mail._errors import CampaignSourceError
from hushpost_mail._part import FindCuts, PartPieces, bytes_part, cut_part
from hushpost_mail._quoted_printable import QuotedPrintable
from hushpost_mail._urls import TOKEN_CHARACTERS

__all__ = ["IDENTITIES", "EncodedPart", "encoded_part"]

IDENTITIES = ("", "7bit", "8bit", "binary")
"""Transfer encodings that are none."""

_LINE_BYTES = 76
"""Of base64."""

_LONGEST_LINE = 998
"""Without its end: what every SMTP server takes (RFC 5321, 4.5.3.1.6)."""


@dataclass(frozen=True, slots=True)
class _Base64Part:
    """A part in base64.

    Where something changes, everything after it does: such a part is encoded
    for each message. One that does not change stays what it was.
    """

    encoded: bytes
    content: PartPieces[bytes]

    @property
    def takes_preference_token(self) -> bool:
        return self.content.takes_preference_token

    def tracked(self, token: str, preference_token: str) -> bytes:
        return _in_lines(self.content.tracked(token, preference_token))

    def untracked(self, preference_token: str) -> bytes:
        if not self.takes_preference_token:
            return self.encoded
        return _in_lines(self.content.untracked(preference_token))


EncodedPart = PartPieces[bytes] | _Base64Part
"""A part as it stands in a message."""


def encoded_part(encoded: bytes, transfer: str, charset: str, find: FindCuts) -> EncodedPart:
    """Take a part apart as it stands in a message.

    Raises CampaignSourceError for a transfer encoding that is not of MIME or not kept
    to, and where a line would become too long to be sent.
    """
    if transfer == "base64":
        return _Base64Part(encoded, bytes_part(_from_base64(encoded), charset, find))
    if transfer == "quoted-printable":
        return _quoted_printable_part(encoded, charset, find)
    if transfer not in IDENTITIES:
        raise CampaignSourceError(
            f"a part in the transfer encoding {transfer!r} can't be rewritten"
        )
    part = bytes_part(encoded, charset, find)
    _check_lines(encoded, part)
    return part


def _from_base64(encoded: bytes) -> bytes:
    try:
        return a2b_base64(encoded)
    except Base64Error as error:
        raise CampaignSourceError(f"a part in base64 can't be read: {error}") from None


def _quoted_printable_part(encoded: bytes, charset: str, find: FindCuts) -> PartPieces[bytes]:
    source = QuotedPrintable.decode(encoded)
    decoded = decode(source.content, charset)
    if "a".encode(decoded.codec) != b"a":
        raise CampaignSourceError(f"a part in quoted-printable can't be in {charset}: use base64")
    cuts = source.in_encoded(decoded.in_bytes(find(decoded.text)))
    return cut_part(encoded, cuts, str.encode)


def _check_lines(encoded: bytes, part: PartPieces[bytes]) -> None:
    rendered = part.tracked("t" * TOKEN_CHARACTERS, "p" * TOKEN_CHARACTERS)
    if _has_long_line(rendered) and not _has_long_line(encoded):
        raise CampaignSourceError(
            f"a line would become longer than {_LONGEST_LINE} bytes: give the part a transfer "
            "encoding of quoted-printable or base64, or break the line"
        )


def _has_long_line(content: bytes) -> bool:
    return any(len(line) > _LONGEST_LINE for line in re.split(rb"\r?\n", content))


def _in_lines(content: bytes) -> bytes:
    encoded = b2a_base64(content, newline=False)
    lines = [encoded[at : at + _LINE_BYTES] for at in range(0, len(encoded), _LINE_BYTES)]
    return b"\r\n".join([*lines, b""])
