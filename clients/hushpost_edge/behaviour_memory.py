"""The layout of the shared memory: what the workers of an edge know of clients' behaviour.

It contains hashes of tokens with networks, and of clients with campaigns; link numbers, times, and serial
numbers of events. Entries are forgotten after minutes, those for repeats after two of their windows.
"""

from collections.abc import Callable

from hushpost_edge.burst_detection import BurstDetector
from hushpost_edge.client_activity import ACTIVITY_BYTES
from hushpost_edge.correction_mailboxes import TOTAL_BYTES, CorrectionMailboxes, claim_number
from hushpost_edge.repeat_detection import RepeatDetector
from hushpost_edge.scanner_rules import MEMORY_SECONDS
from hushpost_edge.shared_entries import SharedEntries, TableShape
from hushpost_edge.shared_memory import SharedMemory

__all__ = ["burst_detector", "claim_mailbox", "create_behaviour_memory", "repeat_detector"]

_BURSTS = TableShape(buckets=16_384, value_bytes=ACTIVITY_BYTES)
_REPEATS = TableShape(buckets=65_536, value_bytes=0)

_BURSTS_START = TOTAL_BYTES
_REPEATS_START = _BURSTS_START + _BURSTS.total_bytes
_SIZE = _REPEATS_START + _REPEATS.total_bytes


def create_behaviour_memory(workers: int) -> SharedMemory:
    """Create the memory; pages that were never written to take no space. Raises OSError."""
    return SharedMemory.create(_SIZE, workers)


def claim_mailbox(memory: SharedMemory) -> int:
    """Claim a mailbox for this process, until it ends; return its number."""
    return claim_number(memory, 0)


def burst_detector(
    memory: SharedMemory, worker: int, clock: Callable[[], float], *, shadow: bool = False
) -> BurstDetector:
    """Create the detector of bursts of a worker.

    Args:
        memory: The memory of all workers of the edge.
        worker: The number of the worker's mailbox.
        clock: Returns seconds of a clock that all workers share.
        shadow: Whether rules on trial are not applied.
    """
    now = clock()
    entries = SharedEntries(memory, _BURSTS_START, "bursts", _BURSTS, MEMORY_SECONDS, now)
    mailboxes = CorrectionMailboxes(memory, 0, worker, now)
    return BurstDetector(entries, mailboxes, clock, shadow=shadow)


def repeat_detector(
    memory: SharedMemory, window: float, clock: Callable[[], float]
) -> RepeatDetector:
    """Create the detector of repeats of a worker."""
    entries = SharedEntries(
        memory, _REPEATS_START, "repeats", _REPEATS, window or MEMORY_SECONDS, clock()
    )
    return RepeatDetector(entries, window, clock)
