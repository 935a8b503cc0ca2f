"""Parses the clear-text header of a tracking token, which needs no key.

A tracking token is 56 characters of base64url. Its first 10 bytes are not encrypted:
`version 1 | key id 1 | campaign number 8`.
"""

import binascii
from typing import NamedTuple

__all__ = [
    "CAMPAIGN",
    "TOKEN_BYTES",
    "ParsedToken",
    "encode_token",
    "header_characters",
    "parse_link_number",
    "parse_token",
    "token_for_lookup",
]

TOKEN_BYTES = 42
CAMPAIGN = slice(2, 10)
"""The bytes of the campaign number."""

_VERSION = 1
_HEADER_CHARACTERS = 16
_HEADER_BYTES = 10
_CAMPAIGN_END = 1 << 63  # the protocol has signed campaign numbers
_LINK_DIGITS = 9

# Maps the characters of base64url to plain base64, and those of plain base64 to invalid
# ones. Otherwise one token could be written in several ways and count as several.
_TO_STANDARD = bytes.maketrans(b"-_+/", b"+/!!")
_TO_URL_SAFE = bytes.maketrans(b"+/", b"-_")


class ParsedToken(NamedTuple):
    """The readable part of a token.

    Attributes:
        campaign: The campaign number from the header.
        raw: The 42 bytes of the token; None if it was damaged after the header. Then the
            link can be found, but no event can be recorded.
    """

    campaign: int
    raw: bytes | None


def parse_token(text: str) -> ParsedToken | None:
    """Parse a token; None if even the header is unreadable."""
    raw = _decode(text)
    if raw is not None and len(raw) == TOKEN_BYTES:
        header = raw
    else:
        raw = None
        decoded = _decode(text[:_HEADER_CHARACTERS])
        if decoded is None or len(decoded) < _HEADER_BYTES:
            return None
        header = decoded
    campaign = int.from_bytes(header[CAMPAIGN])
    if header[0] != _VERSION or campaign >= _CAMPAIGN_END:
        return None
    return ParsedToken(campaign, raw)


def parse_link_number(text: str) -> int | None:
    """Parse a link number: 1…n in ASCII digits without leading zeros; else None."""
    if len(text) > _LINK_DIGITS or not (text.isascii() and text.isdigit()) or text[0] == "0":
        return None
    return int(text)


def header_characters(text: str) -> str:
    """Return the ten characters of a token that contain nothing but its campaign number.

    They have 60 of its 64 bits. The other four share characters with the key id and with
    the encrypted part.
    """
    return text[3:13]


def encode_token(raw: bytes) -> str:
    """Return the 56 characters of a token."""
    encoded = binascii.b2a_base64(raw, newline=False)
    return encoded.translate(_TO_URL_SAFE).decode("ascii")


def token_for_lookup(campaign: int) -> str:
    """Return a token that names only a campaign, which is all that ResolveLink reads.

    The request's own token may be damaged, of any length, or rejected for another reason
    than its campaign. So it must not decide whether a link exists.
    """
    header = bytes((_VERSION, 0)) + campaign.to_bytes(8)
    return encode_token(header.ljust(TOKEN_BYTES, b"\0"))


def _decode(text: str) -> bytes | None:
    try:
        return binascii.a2b_base64(text.encode("ascii").translate(_TO_STANDARD), strict_mode=True)
    except ValueError:
        return None
