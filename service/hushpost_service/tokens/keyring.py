"""The keyring: a file of secrets from which every tenant's keys are derived.

It lies outside the database, so that a stolen database opens no token.
"""

import base64
import binascii
import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

__all__ = ["Keyring", "KeyringError"]

_SECRET_BYTES = 32
_AES_256_SIV_BYTES = 64
_MAX_KEY_ID = 255


class KeyringError(Exception):
    """The keyring file is missing, unreadable or malformed."""


@dataclass(frozen=True)
class Keyring:
    """Secrets by key id (1…255). New tokens use `active`; all ids open tokens."""

    active: int
    secrets: dict[int, bytes]

    @classmethod
    def generate(cls) -> Self:
        """Make a keyring with one new secret."""
        return cls(1, {1: secrets.token_bytes(_SECRET_BYTES)})

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a keyring file. Raises KeyringError."""
        try:
            content = json.loads(path.read_text("ascii"))
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
            # The cause would quote the file, which holds secrets.
            message = f"the keyring {path} is malformed"
            raise KeyringError(message) from None
        keyring._check(path)
        return keyring

    def save(self, path: Path) -> None:
        """Write the file anew, readable by its owner only, whole or not at all."""
        content = {
            "active": self.active,
            "secrets": {
                str(key_id): base64.b64encode(secret).decode()
                for key_id, secret in sorted(self.secrets.items())
            },
        }
        draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}.new")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            json.dump(content, file, indent=2)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)

    def rotated(self) -> "Keyring":
        """Return a keyring with a new active secret; the old ones still open tokens."""
        key_id = max(self.secrets) + 1
        if key_id > _MAX_KEY_ID:
            message = f"the keyring is full: a key id is at most {_MAX_KEY_ID}"
            raise KeyringError(message)
        return Keyring(key_id, {**self.secrets, key_id: secrets.token_bytes(_SECRET_BYTES)})

    def key(self, key_id: int, purpose: str, tenant: int) -> bytes:
        """Derive a tenant's key of AES-SIV for one purpose by HKDF (RFC 5869).

        Raises KeyError for a key id that the keyring does not hold.
        """
        info = f"hushpost {purpose} v1 tenant {tenant}".encode()
        derivation = HKDF(SHA256(), _AES_256_SIV_BYTES, salt=None, info=info)
        return derivation.derive(self.secrets[key_id])

    def _check(self, path: Path) -> None:
        usable = (
            self.active in self.secrets
            and all(0 < key_id <= _MAX_KEY_ID for key_id in self.secrets)
            and all(len(secret) == _SECRET_BYTES for secret in self.secrets.values())
        )
        if not usable:
            message = f"the keyring {path} is malformed"
            raise KeyringError(message)
