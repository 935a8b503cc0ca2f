"""The stored result of an `IssueTokens` call, from which a repetition finds its tokens again. Pure.

It has the modes of each message, and the highest contact number in each range of numbers (see
`domain.contact_numbers`). By these a repetition notices that a contact was erased since and
created anew: its number is higher, or in another range. That is another contact: a token with its
number and the slot of the erased one would link it to what the erased contact did.

The result is encrypted with a key that is derived from the request id, of which the database has
only a hash. So without the request id it tells nothing of contacts.
"""

import hashlib
import zlib
from uuid import UUID

import numpy as np
import numpy.typing as npt
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from hushpost_service.campaigns.message_modes import ModeNumbers
from hushpost_service.domain.consent import ByPurpose
from hushpost_service.domain.contact_numbers import RANGE_BITS
from hushpost_service.domain.events import Flags, Numbers

__all__ = ["packed_result", "unpacked_result"]

_NUMBER = np.dtype("<i8")
_CLICK_BITS = 4
_OPEN_MASK = 2**_CLICK_BITS - 1


def packed_result(request: UUID, contacts: Numbers, modes: ByPurpose[ModeNumbers]) -> bytes:
    """Return what is stored of a call.

    The modes of a message share a byte: opens in the lower half, clicks in the upper half.
    """
    both = modes.clicks << _CLICK_BITS | modes.opens
    content = _highest_of_ranges(contacts).astype(_NUMBER).tobytes() + both.tobytes()
    return _cipher(request).encrypt(zlib.compress(content, 1), None)


def unpacked_result(
    request: UUID, contacts: Numbers, packed: bytes
) -> tuple[ByPurpose[ModeNumbers], Flags]:
    """Return the modes, and which messages were not issued to the contact of the repetition."""
    content = zlib.decompress(_cipher(request).decrypt(packed, None))
    size = len(content) - len(contacts)
    highest = np.frombuffer(content[:size], _NUMBER)
    both = np.frombuffer(content[size:], np.uint8)
    modes = ByPurpose(both & _OPEN_MASK, both >> _CLICK_BITS)
    return modes, _are_later(contacts, highest)


def _highest_of_ranges(contacts: Numbers) -> Numbers:
    """Return the highest contact of each range, in ascending order."""
    ordered = np.sort(contacts)
    is_last = np.diff(ordered >> RANGE_BITS, append=-1) != 0
    highest: Numbers = ordered[is_last]
    return highest


def _are_later(contacts: Numbers, highest: npt.NDArray[np.int64]) -> Flags:
    """Return which contacts are beyond the highest of their range, or in another range."""
    ranges = highest >> RANGE_BITS
    position = np.searchsorted(ranges, contacts >> RANGE_BITS)
    position = np.minimum(position, len(ranges) - 1)
    is_known = ranges[position] == contacts >> RANGE_BITS
    are_later: Flags = ~is_known | (contacts > highest[position])
    return are_later


def _cipher(request: UUID) -> AESSIV:
    key = hashlib.blake2b(key=request.bytes, digest_size=64, person=b"hushpost issue").digest()
    return AESSIV(key)
