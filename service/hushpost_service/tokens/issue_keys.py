"""Issue keys: the secrets by which the slots of a campaign's messages are permuted. Pure.

The authority does not store an issue key, but its digest, and the key wrapped for each API
key that issues tokens (AES key wrap, RFC 3394). The wrapping key is derived from the secret
of the API key, of which only a hash is stored. So the database and the keyring do not suffice
to decrypt an issue key.
"""

import hashlib
import secrets

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand
from cryptography.hazmat.primitives.keywrap import aes_key_unwrap, aes_key_wrap

__all__ = ["issue_key_digest", "new_issue_key", "unwrapped", "wrapped"]

_KEY_BYTES = 32


def new_issue_key() -> bytes:
    """Return the issue key of a new campaign, of 256 random bits."""
    return secrets.token_bytes(_KEY_BYTES)


def issue_key_digest(issue_key: bytes) -> bytes:
    """Return the digest by which an issue key is recognized."""
    return hashlib.sha256(issue_key).digest()


def wrapped(issue_key: bytes, secret: bytes, campaign: int) -> bytes:
    """Encrypt an issue key for an API key. `secret` is `Caller.wrapping_secret`."""
    return aes_key_wrap(_wrapping_key(secret, campaign), issue_key)


def unwrapped(wrapped_key: bytes, secret: bytes, campaign: int) -> bytes:
    """Decrypt an issue key that was wrapped for the same API key and campaign."""
    return aes_key_unwrap(_wrapping_key(secret, campaign), wrapped_key)


def _wrapping_key(secret: bytes, campaign: int) -> bytes:
    info = f"hushpost issue key v1 campaign {campaign}".encode()
    return HKDFExpand(SHA256(), _KEY_BYTES, info).derive(secret)
