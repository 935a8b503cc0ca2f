"""Opens the keys that edges encrypt their spools with. Pure.

See `hushpost_runtime/key_sealing.py`. The private keys are derived from the keyring, so
they are rotated with it.
"""

from typing import NamedTuple

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from hushpost_runtime.key_sealing import SealedKeyError, key_id_of, open_key
from hushpost_service.domain.errors import HushpostError, Reason
from hushpost_service.tokens.keyring import Keyring

__all__ = ["OpenedSpoolKey", "SpoolKeys"]


class OpenedSpoolKey(NamedTuple):
    """A spool's key, and the numbers of the tenants that the edge served; none means all."""

    key: bytes
    tenants: frozenset[int]


class SpoolKeys:
    """The public key that edges seal to, and the private keys that open."""

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring
        self.key_id = keyring.active
        private = X25519PrivateKey.from_private_bytes(keyring.spool_key(keyring.active))
        self.public_key = private.public_key().public_bytes_raw()

    def open(self, sealed: bytes) -> OpenedSpoolKey:
        """Open a sealed key. Raises FIELD_INVALID, TOKEN_KEY_UNKNOWN."""
        try:
            key_id = key_id_of(sealed)
            if key_id not in self._keyring.secrets:
                raise HushpostError(
                    Reason.TOKEN_KEY_UNKNOWN,
                    "the key was sealed to a key that this authority does not have",
                )
            key, tenants = open_key(sealed, self._keyring.spool_key(key_id))
        except SealedKeyError:
            raise HushpostError(
                Reason.FIELD_INVALID,
                "sealed_key is malformed, or was not sealed to this authority",
                {"field": "sealed_key"},
            ) from None
        return OpenedSpoolKey(key, frozenset(tenants))
