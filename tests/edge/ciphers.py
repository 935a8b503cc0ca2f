"""Ciphers of spools: one with a random key, and one that encrypts nothing, for controls."""

from hushpost_edge.spool_cipher import OVERHEAD_BYTES, SpoolCipher, SpoolKey

__all__ = ["CIPHER", "PlainCipher"]

CIPHER = SpoolCipher(SpoolKey.generate())


class PlainCipher(SpoolCipher):
    """Writes what it is given, in values of the same size as if it were encrypted."""

    def __init__(self) -> None:
        super().__init__(SpoolKey.generate())

    def encrypt(self, value: bytes) -> bytes:
        """Return the value after zeros."""
        return bytes(OVERHEAD_BYTES) + value

    def decrypt(self, encrypted: bytes) -> bytes | None:
        """Return the value."""
        return encrypted[OVERHEAD_BYTES:]
