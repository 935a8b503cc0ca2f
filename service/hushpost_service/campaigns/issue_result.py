"""The stored result of an `IssueTokens` call, from which a repetition finds its tokens again. Pure.

It has the modes of each message, and 16 bits by which a repetition notices that a contact was
erased since and created anew. That is another contact: a token with its number and the
slot of the erased one would link it to what the erased contact did.
"""

import hashlib
import zlib
from uuid import UUID

import numpy as np
import numpy.typing as npt

from hushpost_service.campaigns.message_modes import ModeNumbers
from hushpost_service.domain.consent import ByPurpose
from hushpost_service.domain.events import Flags, Numbers

__all__ = ["packed_result", "unpacked_result"]

_CHECK = np.dtype("<u2")
_CLICK_BITS = 4
_OPEN_MASK = 2**_CLICK_BITS - 1


def packed_result(request: UUID, contacts: Numbers, modes: ByPurpose[ModeNumbers]) -> bytes:
    """Return what is stored of a call. Without the request id it tells nothing of contacts.

    The modes of a message share a byte: opens in the lower half, clicks in the upper half.
    """
    both = modes.clicks << _CLICK_BITS | modes.opens
    return _checks(request, contacts).astype(_CHECK).tobytes() + zlib.compress(both.tobytes(), 1)


def unpacked_result(
    request: UUID, contacts: Numbers, packed: bytes
) -> tuple[ByPurpose[ModeNumbers], Flags]:
    """Return the modes, and which messages were not issued to the contact of the repetition."""
    end = _CHECK.itemsize * len(contacts)
    checks = np.frombuffer(packed[:end], _CHECK)
    both = np.frombuffer(zlib.decompress(packed[end:]), np.uint8)
    modes = ByPurpose(both & _OPEN_MASK, both >> _CLICK_BITS)
    return modes, checks != _checks(request, contacts)


def _checks(request: UUID, contacts: Numbers) -> npt.NDArray[np.uint16]:
    """Return 16 bits of a universal hash of each contact, keyed with the request id.

    Multiply-add-shift (Dietzfelbinger, 1996): two contacts have the same bits with a
    probability of about 2^-16.
    """
    key = hashlib.blake2b(key=request.bytes, digest_size=16, person=b"hushpost issue").digest()
    factor, summand = np.frombuffer(key, "<u8")
    numbers = contacts.astype(np.uint64) * (factor | np.uint64(1)) + summand
    checks: npt.NDArray[np.uint16] = (numbers >> np.uint64(48)).astype(np.uint16)
    return checks
