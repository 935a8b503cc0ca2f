"""base64url without padding (RFC 4648, section 5), in its canonical form only. Pure."""

import binascii
from collections.abc import Sequence

__all__ = ["decoded", "encoded"]

# Standard base64 signs and padding become a character that no decoder accepts.
_TO_STANDARD = bytes.maketrans(b"-_+/=", b"+/!!!")
_TO_URL_SAFE = bytes.maketrans(b"+/", b"-_")


def encoded(parts: Sequence[bytes]) -> list[str]:
    """Encode parts of equal length as base64url without padding."""
    # One call encodes all: zeros extend each part to a length that needs no padding.
    length = len(parts[0])
    filler = bytes(-length % 3)
    raw = filler.join(parts) + filler
    text = binascii.b2a_base64(raw, newline=False).translate(_TO_URL_SAFE).decode("ascii")
    step, characters = len(text) // len(parts), -(-length * 4 // 3)
    return [text[at : at + characters] for at in range(0, len(text), step)]


def decoded(text: str, characters: int) -> bytes | None:
    """Decode unpadded base64url of that length; return None if it is malformed.

    Accepts only the canonical encoding, so that a token has exactly one spelling.
    """
    if len(text) != characters or not text.isascii():
        return None
    padding = b"=" * (-characters % 4)
    standard = text.encode("ascii").translate(_TO_STANDARD)
    try:
        raw = binascii.a2b_base64(standard + padding, strict_mode=True)
    except binascii.Error:
        return None
    if padding and binascii.b2a_base64(raw, newline=False) != standard + padding:
        return None
    return raw
