"""Passes corrections between workers: each has a mailbox in shared memory.

A worker that finds a scanner corrects the scanner's earlier events. Those that another worker has
recorded are in that worker's spool file, so it is sent their serial numbers.
"""

import mmap
from array import array
from collections.abc import Sequence
from struct import Struct

from hushpost_edge.shared_memory import SharedMemory

__all__ = ["TOTAL_BYTES", "CorrectionMailboxes", "claim_number"]

_HEADER = Struct("<dQ")  # when its worker started, how many serial numbers follow
_MAILBOX_BYTES = 2 * mmap.PAGESIZE
_MAX_SERIALS = (_MAILBOX_BYTES - _HEADER.size) // 8
_MAX_WORKERS = 128
"""Twice as many as an edge may have, because one that ends may overlap with its successor."""

TOTAL_BYTES = _MAX_WORKERS * _MAILBOX_BYTES


def claim_number(memory: SharedMemory, offset: int) -> int:
    """Claim a mailbox for this process, until it ends; return its number, 0 if none is free."""
    owners = (offset + (number - 1) * _MAILBOX_BYTES + 1 for number in range(1, _MAX_WORKERS + 1))
    for number, owner in enumerate(owners, 1):
        if memory.try_lock(owner, tries=1):
            return number
    return 0


class CorrectionMailboxes:
    """The mailboxes of all workers, seen by one of them.

    Args:
        memory: The memory, from `offset` on.
        worker: The number of the worker's mailbox, 0 if it has none.
        now: The time at which the worker starts.

    Attributes:
        worker: The same number.
    """

    def __init__(self, memory: SharedMemory, offset: int, worker: int, now: float) -> None:
        self._memory = memory
        self._offset = offset
        self.worker = worker
        if worker:
            # What was for an earlier worker is not in this one's file.
            _HEADER.pack_into(memory.bytes, self._start(worker), now, 0)

    def send(self, worker: int, events: Sequence[tuple[float, int]]) -> None:
        """Send the times and serial numbers of events that become SCANNER.

        They get lost if the mailbox is full, or the worker has been replaced since.
        """
        start = self._start(worker)
        if not worker or not self._memory.try_lock(start):
            return
        try:
            since, count = _HEADER.unpack_from(self._memory.bytes, start)
            serials = array("Q", [serial for time, serial in events if time >= since])
            added = serials[: max(0, _MAX_SERIALS - count)]
            first = start + _HEADER.size + count * added.itemsize
            self._memory.bytes[first : first + len(added) * added.itemsize] = added.tobytes()
            _HEADER.pack_into(self._memory.bytes, start, since, count + len(added))
        finally:
            self._memory.unlock(start)

    def receive(self) -> list[int]:
        """Return the serial numbers that this worker has been sent, and empty its mailbox."""
        if not self.worker:
            return []
        start = self._start(self.worker)
        since, count = _HEADER.unpack_from(self._memory.bytes, start)
        if not count or not self._memory.try_lock(start):
            return []
        try:
            since, count = _HEADER.unpack_from(self._memory.bytes, start)
            first = start + _HEADER.size
            serials = array("Q", self._memory.bytes[first : first + min(count, _MAX_SERIALS) * 8])
            _HEADER.pack_into(self._memory.bytes, start, since, 0)
        finally:
            self._memory.unlock(start)
        return serials.tolist()

    def _start(self, worker: int) -> int:
        return self._offset + (worker - 1) * _MAILBOX_BYTES
