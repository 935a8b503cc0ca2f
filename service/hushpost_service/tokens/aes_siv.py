"""AES-SIV (RFC 5297) for many plaintexts of at most one block each. Pure.

`cryptography`'s `AESSIV` repeats its key setup for every message. For a single block,
that costs ten times as much as the encryption itself. A plaintext of one block has a
tag of one block and a key stream of one block, so two ECB passes over all plaintexts
seal a whole batch. The output is identical to that of `AESSIV` (a property test
compares them). `make bench ONLY=issue_vs_siv` measures the gain.
"""

from hmac import compare_digest

import numpy as np
import numpy.typing as npt
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

__all__ = ["BLOCK", "BlockSiv"]

BLOCK = 16
"""Block size of AES, in bytes."""

_TAG_TO_COUNTER = bytes.fromhex("ffffffffffffffff7fffffff7fffffff")
"""Mask that turns a tag into the initial counter of CTR mode (RFC 5297, 2.6)."""


class BlockSiv:
    """Seals and opens plaintexts of equal size with one key.

    The associated data of each plaintext must be shorter than a block, so that its CMAC
    is one block of AES too.
    """

    def __init__(self, key: bytes, size: int = BLOCK) -> None:
        """Set up the key.

        Args:
            key: The AES-SIV key: half for the tag, half for the key stream.
            size: Bytes of each plaintext, at most 16. `open` supports 16 only.
        """
        self._tag_key, self._stream_key = key[: len(key) // 2], key[len(key) // 2 :]
        self._size = size
        # The subkeys of CMAC (RFC 4493, 2.3), and the first step of S2V (RFC 5297, 2.4).
        self._whole_block = _doubled(_encrypted(self._tag_key, bytes(BLOCK)))
        self._padded_block = _doubled(self._whole_block)
        self._first = _doubled(_encrypted(self._tag_key, self._whole_block))

    def seal(self, texts: bytes, associated: bytes) -> list[bytes]:
        """Seal concatenated plaintexts that share associated data; return tag and ciphertext."""
        size = self._size
        blocks = texts if size == BLOCK else _padded(texts, size)
        offset = _xor(self._first, self._cmacs(_padded(associated, len(associated))))
        if size < BLOCK:
            offset = _doubled(offset)
        tags = self._tags(blocks, offset * (len(blocks) // BLOCK))
        ciphertexts = _xor(blocks, self._stream(tags))
        return [
            tags[start : start + BLOCK] + ciphertexts[start : start + size]
            for start in range(0, len(blocks), BLOCK)
        ]

    def open(self, tags: bytes, ciphertexts: bytes, associated: bytes) -> tuple[bytes, list[bool]]:
        """Decrypt concatenated blocks; return the plaintexts, and which tags are valid.

        `associated` has the associated data of each block, all of the same length.
        """
        count = len(tags) // BLOCK
        texts = _xor(ciphertexts, self._stream(tags))
        cmacs = self._cmacs(_padded(associated, len(associated) // count)) if count else b""
        expected = self._tags(texts, _xor(self._first * count, cmacs))
        if compare_digest(tags, expected):
            return texts, [True] * count
        return texts, [
            compare_digest(tags[start : start + BLOCK], expected[start : start + BLOCK])
            for start in range(0, len(texts), BLOCK)
        ]

    def _cmacs(self, padded: bytes) -> bytes:
        """Return the CMAC of each message, given padded to one block."""
        subkeys = self._padded_block * (len(padded) // BLOCK)
        return _encrypted(self._tag_key, _xor(padded, subkeys))

    def _tags(self, texts: bytes, offsets: bytes) -> bytes:
        subkeys = self._whole_block * (len(texts) // BLOCK)
        return _encrypted(self._tag_key, _xor(_xor(texts, offsets), subkeys))

    def _stream(self, tags: bytes) -> bytes:
        counters = _and(tags, _TAG_TO_COUNTER * (len(tags) // BLOCK))
        return _encrypted(self._stream_key, counters)


def _padded(texts: bytes, size: int) -> bytes:
    """Pad each text of `size` bytes to a block, as CMAC and S2V do."""
    blocks = np.zeros((len(texts) // size, BLOCK), np.uint8)
    blocks[:, :size] = np.frombuffer(texts, np.uint8).reshape(-1, size)
    blocks[:, size] = 0x80
    return blocks.tobytes()


def _encrypted(key: bytes, blocks: bytes) -> bytes:
    """Encrypt each block independently: the primitive of CMAC and CTR."""
    cipher = Cipher(algorithms.AES(key), modes.ECB())  # noqa: S305 - a building block of AES-SIV
    return cipher.encryptor().update(blocks)


def _doubled(block: bytes) -> bytes:
    """Multiply a block by two in GF(2^128) (RFC 5297, 2.3)."""
    double = int.from_bytes(block) << 1
    return (double ^ (double >> 128) * (1 << 128 | 0x87)).to_bytes(BLOCK)


def _xor(one: bytes, other: bytes) -> bytes:
    return np.bitwise_xor(*_arrays(one, other)).tobytes()


def _and(one: bytes, other: bytes) -> bytes:
    return np.bitwise_and(*_arrays(one, other)).tobytes()


def _arrays(*parts: bytes) -> list[npt.NDArray[np.uint8]]:
    # NumPy, because converting 16 KB to and from an `int` takes ten times as long.
    return [np.frombuffer(part, np.uint8) for part in parts]
