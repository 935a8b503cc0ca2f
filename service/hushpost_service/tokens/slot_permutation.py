"""Slots of messages: a keyed permutation of the order in which messages are issued. Pure.

Messages of a group have indexes 0, 1, 2 …, in the order of issue. The slot of a message is
its index, permuted with the campaign's issue key, which the authority does not store. So
distinct messages have distinct slots, and someone who has the database and the keyring
cannot tell which slot belongs to which index.

The permutation is a Feistel network (Luby and Rackoff, 1988) over all slots of the declared
size, so that the order leaks nothing however much of the group is issued. The round
functions are tables of random numbers: half an index has so few values that filling all
tables costs less than a block cipher per message and round. A group that outgrows its
declared size continues in further parts of the same size, each permuted on its own.
"""

from struct import Struct

import numpy as np
import numpy.typing as npt
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CTR
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from hushpost_service.domain.counters import OPEN_CHUNK_SLOTS
from hushpost_service.domain.events import Numbers

__all__ = ["DEFAULT_EXPECTED", "MAX_SLOTS", "permuted_slots"]

DEFAULT_EXPECTED = 4 * OPEN_CHUNK_SLOTS
"""The size of a group whose expected number of messages is unknown."""

MAX_SLOTS = 2**30
"""Slots of a group. The slots from here on are for events that were moved."""

_MIN_BITS = OPEN_CHUNK_SLOTS.bit_length() - 1
_PAIRS_OF_ROUNDS = 12
"""24 rounds, where FF1 of NIST SP 800-38G has 10: attacks on Feistel networks of small domains
need many known values, and more rounds put them out of reach (Bellare, Hoang and Tessaro,
2016, https://eprint.iacr.org/2016/794)."""

_PART = Struct(">QIIB")
_KEY_BYTES = 32
_ENTRY = np.dtype("<u2")
"""Half of an index has at most 15 bits."""

_Table = npt.NDArray[np.uint16]


def permuted_slots(
    issue_key: bytes, campaign: int, group: int, expected: int, indexes: Numbers
) -> Numbers:
    """Return the slots of messages.

    Args:
        issue_key: The issue key of the campaign.
        campaign: The campaign.
        group: The group.
        expected: The expected number of messages of the group; never changes.
        indexes: The messages, numbered in the order of issue from 0 to below `MAX_SLOTS`.
    """
    bits = max(_MIN_BITS, (expected - 1).bit_length())
    parts = indexes >> bits
    slots = indexes.copy()
    for part in np.unique(parts).tolist():
        info = b"hushpost slots v1" + _PART.pack(campaign, group, part, bits)
        key = HKDFExpand(SHA256(), _KEY_BYTES, info).derive(issue_key)
        of_part = parts == part
        slots[of_part] = part << bits | _permuted(indexes[of_part] & (1 << bits) - 1, bits, key)
    return slots


def _permuted(values: Numbers, bits: int, key: bytes) -> Numbers:
    """Apply a Feistel network to values of some bits."""
    low_bits = bits // 2
    low, high = values & (1 << low_bits) - 1, values >> low_bits
    for of_high, of_low in _round_functions(low_bits, bits - low_bits, key):
        low = low ^ of_high[high]
        high = high ^ of_low[low]
    return high << low_bits | low


def _round_functions(low_bits: int, high_bits: int, key: bytes) -> list[tuple[_Table, _Table]]:
    """Return pairs of functions, as tables: of the high half, and of the low half.

    The entries are successive numbers of a key stream.
    """
    low_values, high_values = 1 << low_bits, 1 << high_bits
    entries = _PAIRS_OF_ROUNDS * (low_values + high_values)
    stream = Cipher(AES(key), CTR(bytes(16))).encryptor().update(bytes(entries * _ENTRY.itemsize))
    tables = np.frombuffer(stream, _ENTRY).reshape(_PAIRS_OF_ROUNDS, low_values + high_values)
    of_high = tables[:, :high_values] & (low_values - 1)
    of_low = tables[:, high_values:] & (high_values - 1)
    return list(zip(of_high, of_low, strict=True))
