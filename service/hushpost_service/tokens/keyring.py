"""The keyring: a file of secrets from which the keys of every tenant are derived.

It is kept outside the database, so that a stolen database opens no token.
"""

import base64
import binascii
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from hushpost_runtime.secret_file import read_secret_file, write_secret_file

__all__ = ["Keyring", "KeyringError"]

_SECRET_BYTES = 32
_AES_256_SIV_BYTES = 64
_FINGERPRINT_BYTES = 16
_MAX_KEY_ID = 255


class KeyringError(Exception):
    """The keyring is missing, unreadable, malformed, or not that of the database."""


@dataclass(frozen=True)
class Keyring:
    """Secrets by key id (1…255). `active` seals new tokens; every id opens tokens."""

    active: int
    secrets: dict[int, bytes]

    @classmethod
    def generate(cls) -> Self:
        """Return a keyring with one new secret."""
        return cls(1, {1: secrets.token_bytes(_SECRET_BYTES)})

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a keyring file. Raises KeyringError."""
        try:
            content = json.loads(read_secret_file(path).decode("ascii"))
            keyring = cls(
                int(content["active"]),
                {
                    int(key_id): base64.b64decode(secret, validate=True)
                    for key_id, secret in content["secrets"].items()
                },
            )
        except OSError as error:
            message = f"cannot read the keyring {path}: {error.strerror}"
            raise KeyringError(message) from None
        except (ValueError, KeyError, TypeError, AttributeError, binascii.Error):
            # Without the cause, whose text would quote secrets from the file.
            message = f"the keyring {path} is malformed"
            raise KeyringError(message) from None
        keyring._check(path)
        return keyring

    def save(self, path: Path) -> None:
        """Write the file atomically, readable by its owner only. Raises KeyringError."""
        try:
            self._save(path)
        except OSError as error:
            message = f"cannot write the keyring {path}: {error.strerror}"
            raise KeyringError(message) from None

    def with_new_key(self) -> "Keyring":
        """Return a keyring with one more secret, which is not active yet. Raises KeyringError."""
        key_id = self.highest + 1
        if key_id > _MAX_KEY_ID:
            message = (
                f"the keyring is full: it already has key id {_MAX_KEY_ID}, the highest possible"
            )
            raise KeyringError(message)
        new = {key_id: secrets.token_bytes(_SECRET_BYTES)}
        return Keyring(self.active, {**self.secrets, **new})

    def activated(self, key_id: int) -> "Keyring":
        """Return a keyring that seals new tokens with another of its keys. Raises KeyringError."""
        if key_id not in self.secrets:
            message = f"the keyring has no key {key_id}"
            raise KeyringError(message)
        return Keyring(key_id, self.secrets)

    @property
    def highest(self) -> int:
        """The id of the newest key."""
        return max(self.secrets)

    def fingerprints(self) -> dict[int, bytes]:
        """Return the fingerprint of each key: 16 bytes that do not reveal the secret."""
        return {
            key_id: HKDF(
                SHA256(), _FINGERPRINT_BYTES, salt=None, info=b"hushpost keyring fingerprint v1"
            ).derive(secret)
            for key_id, secret in sorted(self.secrets.items())
        }

    def check_registered(self, registered: Mapping[int, bytes], path: Path) -> None:
        """Check that the keyring has the keys that are registered in the database.

        Args:
            registered: The fingerprints by key id.
            path: The file of the keyring, for the message.

        Raises:
            KeyringError: A key is missing or another one. Tokens that were sealed with it
                could not be opened.
        """
        own = self.fingerprints()
        for key_id, fingerprint in sorted(registered.items()):
            if key_id not in own:
                message = (
                    f"the keyring {path} lacks key {key_id}, which the database knows: copy the "
                    "keyring from an authority that has this key"
                )
                raise KeyringError(message)
            if own[key_id] != fingerprint:
                message = (
                    f"the keyring {path} belongs to another database: its key {key_id} has the "
                    f"fingerprint {own[key_id].hex()}, but the database knows "
                    f"{fingerprint.hex()}"
                )
                raise KeyringError(message)

    def key(self, key_id: int, purpose: str, tenant: int) -> bytes:
        """Derive the AES-SIV key of a tenant for one purpose by HKDF (RFC 5869).

        Raises KeyError if the keyring lacks the key id.
        """
        info = f"hushpost {purpose} v1 tenant {tenant}".encode()
        derivation = HKDF(SHA256(), _AES_256_SIV_BYTES, salt=None, info=info)
        return derivation.derive(self.secrets[key_id])

    def spool_key(self, key_id: int) -> bytes:
        """Derive the private X25519 key that opens the keys of spools.

        Raises KeyError if the keyring lacks the key id.
        """
        derivation = HKDF(SHA256(), _SECRET_BYTES, salt=None, info=b"hushpost spool v1")
        return derivation.derive(self.secrets[key_id])

    def _save(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        content = {
            "active": self.active,
            "secrets": {
                str(key_id): base64.b64encode(secret).decode()
                for key_id, secret in sorted(self.secrets.items())
            },
        }
        write_secret_file(path, json.dumps(content, indent=2).encode())

    def _check(self, path: Path) -> None:
        usable = (
            self.active in self.secrets
            and all(0 < key_id <= _MAX_KEY_ID for key_id in self.secrets)
            and all(len(secret) == _SECRET_BYTES for secret in self.secrets.values())
        )
        if not usable:
            message = f"the keyring {path} is malformed"
            raise KeyringError(message)
