"""AES-SIV (RFC 5297) of many texts of at most one block at once. Pure.

The library's own `AESSIV` sets everything up anew for every text, which for so
short a text costs ten times what encrypting does. Of such a text both the tag
and the key stream are one block as well, so that two runs of the block cipher
over all texts together seal them all, to the same bytes.
"""

from hmac import compare_digest

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.cmac import CMAC

__all__ = ["BLOCK", "BlockSiv"]

BLOCK = 16
"""Bytes of a text."""

_TAG_TO_COUNTER = bytes.fromhex("ffffffffffffffff7fffffff7fffffff")
"""The bits of a tag that the key stream begins with (RFC 5297, 2.6)."""


class BlockSiv:
    """Seals and opens texts of one block each, all with the same associated data.

    Seals shorter ones as well, where they all have the same `size`.
    """

    def __init__(self, key: bytes, associated: bytes, size: int = BLOCK) -> None:
        self._tag_key, self._stream_key = key[: len(key) // 2], key[len(key) // 2 :]
        self._size = size
        # What S2V (2.4) and CMAC (RFC 4493, 2.4) add to a text before they encrypt it.
        added = _xor(_doubled(_cmac(self._tag_key, bytes(BLOCK))), _cmac(self._tag_key, associated))
        if size < BLOCK:
            added = _doubled(added)
        self._offset = _xor(added, _doubled(_encrypted(self._tag_key, bytes(BLOCK))))

    def seal(self, texts: bytes) -> list[bytes]:
        """Seal texts that stand one after the other, and part them."""
        size = self._size
        blocks = texts if size == BLOCK else _padded(texts, size)
        tags = self._tags(blocks)
        hidden = _xor(blocks, self._stream(tags))
        return [
            tags[start : start + BLOCK] + hidden[start : start + size]
            for start in range(0, len(blocks), BLOCK)
        ]

    def open(self, tags: bytes, hidden: bytes) -> tuple[bytes, list[bool]]:
        """Return the texts of tags and what they hide, and which of these belong together."""
        texts = _xor(hidden, self._stream(tags))
        expected = self._tags(texts)
        if compare_digest(tags, expected):
            return texts, [True] * (len(texts) // BLOCK)
        return texts, [
            compare_digest(tags[start : start + BLOCK], expected[start : start + BLOCK])
            for start in range(0, len(texts), BLOCK)
        ]

    def _tags(self, texts: bytes) -> bytes:
        return _encrypted(self._tag_key, _xor(texts, self._offset * (len(texts) // BLOCK)))

    def _stream(self, tags: bytes) -> bytes:
        counters = _and(tags, _TAG_TO_COUNTER * (len(tags) // BLOCK))
        return _encrypted(self._stream_key, counters)


def _padded(texts: bytes, size: int) -> bytes:
    """Fill texts up to a block each, as S2V does."""
    padding = b"\x80".ljust(BLOCK - size, b"\0")
    return b"".join([texts[start : start + size] + padding for start in range(0, len(texts), size)])


def _encrypted(key: bytes, blocks: bytes) -> bytes:
    """Encrypt each block by itself: what the modes above are made of."""
    cipher = Cipher(algorithms.AES(key), modes.ECB())  # noqa: S305 - see above
    return cipher.encryptor().update(blocks)


def _cmac(key: bytes, text: bytes) -> bytes:
    cmac = CMAC(algorithms.AES(key))
    cmac.update(text)
    return cmac.finalize()


def _doubled(block: bytes) -> bytes:
    """Return a block times two in the field of 2^128 elements (RFC 5297, 2.3)."""
    double = int.from_bytes(block) << 1
    return (double ^ (double >> 128) * (1 << 128 | 0x87)).to_bytes(BLOCK)


def _xor(one: bytes, other: bytes) -> bytes:
    return (int.from_bytes(one) ^ int.from_bytes(other)).to_bytes(len(one))


def _and(one: bytes, other: bytes) -> bytes:
    return (int.from_bytes(one) & int.from_bytes(other)).to_bytes(len(one))
