"""Encrypts what is written to the spool files.

All processes of a run of the edge share a random key that exists in memory only. Values are
encrypted by AES-256-GCM, one call per commit: 1 µs for an event, 11 µs for a thousand. What
earlier runs wrote can be read once the authority has opened their keys (`spool_keys.py`).
"""

import os
import secrets
from typing import NamedTuple, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from hushpost_runtime.key_sealing import KEY_BYTES

__all__ = ["ID_BYTES", "OVERHEAD_BYTES", "SpoolCipher", "SpoolKey"]

ID_BYTES = 8
_NONCE_BYTES = 12
_TAG_BYTES = 16
OVERHEAD_BYTES = ID_BYTES + _NONCE_BYTES + _TAG_BYTES
"""What encryption adds to a value: less than an event, see `spooled_event.event_count`."""

_VARIABLE = "_HUSHPOST_SPOOL_KEY"


class SpoolKey(NamedTuple):
    """The key of a run of the edge, and a random id that tells it from those of other runs."""

    id: bytes
    key: bytes

    @classmethod
    def generate(cls) -> Self:
        """Return a new key."""
        return cls(secrets.token_bytes(ID_BYTES), secrets.token_bytes(KEY_BYTES))

    @classmethod
    def inherited(cls) -> Self:
        """Return the key that the main process has left to this worker."""
        raw = bytes.fromhex(os.environ[_VARIABLE])
        return cls(raw[:ID_BYTES], raw[ID_BYTES:])

    def leave_to_workers(self) -> None:
        """Pass the key to processes that are started from now on: in memory, never on disk.

        The environment of a process can be read by its own user and root only, like its
        memory.
        """
        os.environ[_VARIABLE] = (self.id + self.key).hex()


class SpoolCipher:
    """Encrypts with the key of this run, and decrypts with all keys that are known.

    Attributes:
        is_complete: Whether all keys are known that can be known. Before that nothing is
            shipped, because a value that cannot be decrypted is given up.
    """

    def __init__(self, current: SpoolKey) -> None:
        self._id = current.id
        self._keys = {current.id: AESGCM(current.key)}
        self.is_complete = True

    def add(self, key: SpoolKey) -> None:
        """Add the key of an earlier run."""
        self._keys[key.id] = AESGCM(key.key)

    def encrypt(self, value: bytes) -> bytes:
        """Return `key id 8 | nonce 12 | ciphertext | tag 16` (sizes in bytes)."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return self._id + nonce + self._keys[self._id].encrypt(nonce, value, None)

    def decrypt(self, encrypted: bytes) -> bytes | None:
        """Return the value; None if its key is unknown, or it is damaged."""
        key = self._keys.get(encrypted[:ID_BYTES])
        if key is None:
            return None
        start = ID_BYTES + _NONCE_BYTES
        try:
            return key.decrypt(encrypted[ID_BYTES:start], encrypted[start:], None)
        except (InvalidTag, ValueError):
            return None
