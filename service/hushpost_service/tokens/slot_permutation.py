"""Slots of messages: a keyed permutation of the order in which messages are issued. Pure.

Messages of a group have indexes 0, 1, 2 …, in the order of issue. The slot of a message is
its index, permuted with the campaign's issue key, which the authority does not store. So
distinct messages have distinct slots, slots are dense, and someone who has the database and
the keyring cannot tell which slot belongs to which index.

A group is divided into parts. Each part is shuffled by sorting it by a key stream. Indexes
go to the parts in turn, so that all parts fill up evenly. A group that outgrows its
expected size continues in further parts, which then have the later messages only.
"""

from collections.abc import Sequence
from struct import Struct

import numpy as np
import numpy.typing as npt
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CTR
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from hushpost_service.bounded_cache import BoundedCache
from hushpost_service.domain.counters import CHUNK_SLOTS

__all__ = ["DEFAULT_EXPECTED", "MAX_SLOTS", "SlotPermutation"]

DEFAULT_EXPECTED = 4 * CHUNK_SLOTS
"""The size of a group whose expected number of messages is unknown."""

MAX_SLOTS = 2**30
"""Slots of a group. The slots from here on are for events that were moved."""

_MAX_PART = 64 * CHUNK_SLOTS
_CACHED_PARTS = 64
"""Parts that stay shuffled in memory: at most 64 MiB."""

_PART = Struct(">QII")
_KEY_BYTES = 32

_Order = npt.NDArray[np.uint32]


class SlotPermutation:
    """Computes the slots of messages; keeps recently used parts in memory."""

    def __init__(self) -> None:
        self._orders: BoundedCache[tuple[int, int, int], _Order] = BoundedCache(_CACHED_PARTS)

    def slots(
        self, issue_key: bytes, campaign: int, group: int, expected: int, indexes: Sequence[int]
    ) -> list[int]:
        """Return the slots of messages.

        Args:
            issue_key: The issue key of the campaign.
            campaign: The campaign.
            group: The group.
            expected: The expected number of messages of the group; never changes.
            indexes: The messages, numbered in the order of issue from 0.
        """
        size, parts = _layout(expected)
        index = np.asarray(indexes, np.int64)
        part = index // (size * parts) * parts + index % parts
        place = index % (size * parts) // parts
        slots = np.empty(len(index), np.int64)
        for number in np.unique(part).tolist():
            order = self._order(issue_key, campaign, group, number, size)
            selected = part == number
            slots[selected] = number * size + order[place[selected]]
        return slots.tolist()

    def _order(self, issue_key: bytes, campaign: int, group: int, part: int, size: int) -> _Order:
        """Return a part in shuffled order."""
        order = self._orders.get((campaign, group, part))
        if order is None:
            info = b"hushpost slots v1" + _PART.pack(campaign, group, part)
            key = HKDFExpand(SHA256(), _KEY_BYTES, info).derive(issue_key)
            stream = Cipher(AES(key), CTR(bytes(16))).encryptor().update(bytes(8 * size))
            order = np.frombuffer(stream, np.uint64).argsort(kind="stable").astype(np.uint32)
            self._orders[campaign, group, part] = order
        return order


def _layout(expected: int) -> tuple[int, int]:
    """Return the size of a part, and how many parts the expected messages fill in turn."""
    size = CHUNK_SLOTS
    while size < min(expected, _MAX_PART):
        size *= 2
    return size, max(1, -(-expected // size))
