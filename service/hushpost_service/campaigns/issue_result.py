"""The stored result of an `IssueTokens` call, from which a repetition finds its tokens again. Pure.

It has the mode of each message, and 16 bits by which a repetition notices that a contact was
erased since and created anew. That is another contact: a token with its number and the
slot of the erased one would link it to what the erased contact did.
"""

import hashlib
import zlib
from collections.abc import Sequence
from uuid import UUID

import numpy as np

from hushpost_service.domain.modes import Mode

__all__ = ["packed_result", "unpacked_result"]

_MODES = {int(mode): mode for mode in Mode}
_CHECK_BYTES = 2


def packed_result(request: UUID, contacts: Sequence[int], modes: Sequence[Mode]) -> bytes:
    """Return what is stored of a call. Without the request id it tells nothing of contacts."""
    return _checks(request, contacts) + zlib.compress(bytes(modes), 1)


def unpacked_result(
    request: UUID, contacts: Sequence[int], packed: bytes
) -> tuple[list[Mode], list[bool]]:
    """Return the modes, and which messages were not issued to the contact of the repetition."""
    end = _CHECK_BYTES * len(contacts)
    before = np.frombuffer(packed[:end], "<u2")
    now = np.frombuffer(_checks(request, contacts), "<u2")
    modes = [_MODES[number] for number in zlib.decompress(packed[end:])]
    return modes, (before != now).tolist()


def _checks(request: UUID, contacts: Sequence[int]) -> bytes:
    """Return 16 bits of a universal hash of each contact, keyed with the request id.

    Multiply-add-shift (Dietzfelbinger, 1996): two contacts have the same bits with a
    probability of about 2^-16.
    """
    key = hashlib.blake2b(key=request.bytes, digest_size=16, person=b"hushpost issue").digest()
    factor, summand = np.frombuffer(key, "<u8")
    numbers = np.array(contacts, np.uint64) * (factor | np.uint64(1)) + summand
    return bytes((numbers >> np.uint64(64 - 8 * _CHECK_BYTES)).astype("<u2"))
