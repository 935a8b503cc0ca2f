"""What an edge can read in a token without a key. Pure.

A tracking token is 56 characters of base64url; its first 10 bytes are in clear:
`version 1 | key id 1 | campaign number 8`.
"""

import binascii
from typing import NamedTuple

__all__ = ["TOKEN_BYTES", "Token", "link_number", "parsed", "text_of"]

TOKEN_BYTES = 42
_VERSION = 1
_HEADER_CHARACTERS = 16
_HEADER_BYTES = 10
# The interface carries both as signed numbers.
_CAMPAIGN_END = 1 << 63
_LINK_DIGITS = 9

# The alphabet's own signs come in; those of plain base64 become ones that no
# alphabet has, since two spellings of a token would be two tokens.
_TO_STANDARD = bytes.maketrans(b"-_+/", b"+/!!")
_TO_URL_SAFE = bytes.maketrans(b"+/", b"-_")


class Token(NamedTuple):
    """A token as far as it can be read.

    `sealed` is None where the rest was damaged on its way: no event can come of
    it, but its link can still be found.
    """

    campaign: int
    sealed: bytes | None


def parsed(text: str) -> Token | None:
    """Read a token; None where not even its campaign can be read."""
    raw = _decoded(text)
    if raw is None or len(raw) != TOKEN_BYTES:
        header = _decoded(text[:_HEADER_CHARACTERS])
        if header is None or len(header) < _HEADER_BYTES:
            return None
        raw, sealed = header, None
    else:
        sealed = raw
    campaign = int.from_bytes(raw[2:_HEADER_BYTES])
    if raw[0] != _VERSION or campaign >= _CAMPAIGN_END:
        return None
    return Token(campaign, sealed)


def link_number(text: str) -> int | None:
    """Read a link number, 1…n in ASCII digits without leading zeros; None for anything else."""
    if len(text) > _LINK_DIGITS or not (text.isascii() and text.isdigit()) or text[0] == "0":
        return None
    return int(text)


def text_of(sealed: bytes) -> str:
    """Return the 56 characters of a token."""
    encoded = binascii.b2a_base64(sealed, newline=False)
    return encoded.translate(_TO_URL_SAFE).decode("ascii")


def _decoded(text: str) -> bytes | None:
    try:
        return binascii.a2b_base64(text.encode("ascii").translate(_TO_STANDARD), strict_mode=True)
    except ValueError:
        return None
