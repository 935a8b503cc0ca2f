"""Seals the key of an edge's spool, so that only the authority can open it. Pure.

The edge makes a random key in memory, encrypts its spool with it, and stores the key only
sealed to the authority's public key, by HPKE (RFC 9180) with X25519, HKDF-SHA256 and
AES-256-GCM. A sealed key is `version 1 | key id 1 | HPKE(key 32 | tenant 4 …)` (sizes in
bytes), with the first two bytes as `info`. The key id is that of the authority's keyring.
"""

from collections.abc import Collection, Sequence
from struct import Struct

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

__all__ = ["KEY_BYTES", "SealedKeyError", "key_id_of", "open_key", "seal_key"]

KEY_BYTES = 32

_VERSION = 1
_SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
_HEADER = Struct(">BB")
_TENANT = Struct(">I")


class SealedKeyError(Exception):
    """The sealed key is malformed, damaged, or sealed to another key."""


def seal_key(key: bytes, tenants: Collection[int], key_id: int, public_key: bytes) -> bytes:
    """Seal a key and the tenants that it is for (none: all) to a public key of 32 bytes.

    Raises ValueError if the public key is not one of X25519.
    """
    header = _HEADER.pack(_VERSION, key_id)
    content = key + b"".join(map(_TENANT.pack, sorted(tenants)))
    recipient = X25519PublicKey.from_public_bytes(public_key)
    return header + _SUITE.encrypt(content, recipient, info=header)


def key_id_of(sealed: bytes) -> int:
    """Return the id of the keyring's key that opens a sealed key. Raises SealedKeyError."""
    if len(sealed) < _HEADER.size or sealed[0] != _VERSION:
        raise SealedKeyError
    return sealed[1]


def open_key(sealed: bytes, private_key: bytes) -> tuple[bytes, Sequence[int]]:
    """Return the key, and the tenants that it is for (none: all). Raises SealedKeyError."""
    header, body = sealed[: _HEADER.size], sealed[_HEADER.size :]
    try:
        content = _SUITE.decrypt(body, X25519PrivateKey.from_private_bytes(private_key), header)
    except (InvalidTag, ValueError):
        raise SealedKeyError from None
    key, tenants = content[:KEY_BYTES], content[KEY_BYTES:]
    if len(key) < KEY_BYTES or len(tenants) % _TENANT.size:
        raise SealedKeyError
    return key, [tenant for (tenant,) in _TENANT.iter_unpack(tenants)]
