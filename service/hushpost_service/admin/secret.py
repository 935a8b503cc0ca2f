"""The secrets of API keys: their format, and the digest under which they are stored.

A secret is `hp_` and the base64url encoding of 32 random bytes and their CRC-32: 51
characters. The checksum rejects typing errors and random guesses without the database, and
lets scanners for leaked secrets recognize a key. It is no protection against forgery, for
which the random bytes suffice.
"""

import hashlib
import secrets
import zlib

from hushpost_service.tokens.base64url import decoded, encoded

__all__ = ["is_well_formed", "new_secret", "secret_hash", "wrapping_secret"]

_PREFIX = "hp_"
_RANDOM_BYTES = 32
_ENCODED_CHARACTERS = 48


def new_secret() -> str:
    """Return the secret of a new API key, of 256 random bits."""
    random = secrets.token_bytes(_RANDOM_BYTES)
    return _PREFIX + encoded([random + _checksum(random)])[0]


def is_well_formed(secret: str) -> bool:
    """Return whether a text has the format and the checksum of a secret."""
    if not secret.startswith(_PREFIX):
        return False
    raw = decoded(secret[len(_PREFIX) :], _ENCODED_CHARACTERS)
    return raw is not None and raw[_RANDOM_BYTES:] == _checksum(raw[:_RANDOM_BYTES])


def secret_hash(secret: str) -> bytes:
    """Return the SHA-256 digest under which an API key is stored."""
    return hashlib.sha256(secret.encode()).digest()


def wrapping_secret(secret: str) -> bytes:
    """Return the secret under which the API key's issue keys are encrypted.

    It cannot be computed from the stored digest.
    """
    return hashlib.sha256(b"hushpost wrapping secret v1 " + secret.encode()).digest()


def _checksum(random: bytes) -> bytes:
    return zlib.crc32(random).to_bytes(4)
