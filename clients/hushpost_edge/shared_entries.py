"""A hash table in shared memory that forgets its entries after some time.

Entries are in the bucket that the hash of their key selects. A full bucket replaces its oldest entry, so
the size of the table is fixed. There are three tables in turn, each for one period: entries are written
to the present one, also looked up in the one before, and the third is cleared as a whole. So an entry can be
found for at least one period, and is gone after two.

Keys are hashed with BLAKE2b under the key of the memory. Only changes in the same bucket wait for each
other. A change takes a few microseconds (`make bench ONLY=edge_click_vs_bare`).
"""

import mmap
from collections.abc import Callable
from hashlib import blake2b
from struct import Struct
from typing import NamedTuple

from hushpost_edge.shared_memory import SharedMemory

__all__ = ["SharedEntries", "TableShape"]

_ENTRIES_PER_BUCKET = 4
_HASH_BYTES = 8
_BUCKET_NUMBER_BYTES = 4
_TIME_BYTES = 8
_HASHES = _ENTRIES_PER_BUCKET * _HASH_BYTES
_TIMES = Struct(f"<{_ENTRIES_PER_BUCKET}d")
_TIME = Struct("<d")
_VALUES = _HASHES + _TIMES.size
_TABLES = 3


class TableShape(NamedTuple):
    """The size of a table.

    Attributes:
        buckets: How many there are, of four entries each.
        value_bytes: The size of the longest value. The rest of a shorter one is undefined.
    """

    buckets: int
    value_bytes: int

    @property
    def bucket_bytes(self) -> int:
        """The size of a bucket: hashes, times, values."""
        return _VALUES + _ENTRIES_PER_BUCKET * self.value_bytes

    @property
    def table_bytes(self) -> int:
        """The size of one of the three tables, in whole pages."""
        return -(self.buckets * self.bucket_bytes // -mmap.PAGESIZE) * mmap.PAGESIZE

    @property
    def total_bytes(self) -> int:
        """The size of all three tables."""
        return _TABLES * self.table_bytes


class SharedEntries:
    """Values by key, for `seconds` or more. Times are seconds of one clock for all processes.

    Args:
        memory: The memory, from `offset` on, which is a multiple of the page size.
        name: Makes the hashes different from those of other tables in the memory.
        shape: The size.
        seconds: The length of a period.
        now: The present time.
    """

    def __init__(
        self,
        memory: SharedMemory,
        offset: int,
        name: str,
        shape: TableShape,
        seconds: float,
        now: float,
    ) -> None:
        self._memory = memory
        self._bytes = memory.bytes
        self._tables = tuple(offset + number * shape.table_bytes for number in range(_TABLES))
        self._table_bytes = shape.table_bytes
        self._buckets = shape.buckets
        self._bucket_bytes = shape.bucket_bytes
        self._value_bytes = shape.value_bytes
        self._seconds = seconds
        self._hash = blake2b(
            key=memory.key, person=name.encode(), digest_size=_HASH_BYTES + _BUCKET_NUMBER_BYTES
        )
        self._period = int(now // seconds) - 1
        self.forget(now)

    def forget(self, now: float) -> None:
        """Clear entries of earlier periods. Call it regularly, also if there are no events."""
        period = int(now // self._seconds)
        if period == self._period:
            return
        # What is cleared here is not in use in this period, unless this process was stopped for
        # a whole one.
        cleared = _TABLES if period - self._period > 1 else 1
        for ahead in range(1, 1 + cleared):
            start = self._tables[(period + ahead) % _TABLES]
            self._memory.clear(start, self._table_bytes)
        self._period = period
        self._next_period = (period + 1) * self._seconds
        self._present = self._tables[period % _TABLES]
        self._previous = self._tables[(period - 1) % _TABLES]

    def update(
        self, key: bytes, now: float, change: Callable[[float, bytes | None], bytes | None]
    ) -> bool:
        """Change the entry of a key, which is locked meanwhile.

        Args:
            key: The key.
            now: The present time.
            change: Gets the time at which the entry was written and its value, or 0.0 and None.
                Returns the new value; None to leave the entry alone.

        Returns:
            Whether it was called. False if another process keeps the entry locked.
        """
        if now >= self._next_period:
            self.forget(now)
        hashed = self._hash.copy()
        hashed.update(key)
        digest = hashed.digest()
        hash_ = digest[:_HASH_BYTES]
        bucket = int.from_bytes(digest[_HASH_BYTES:]) % self._buckets * self._bucket_bytes
        lock = self._tables[0] + bucket
        if not self._memory.try_lock(lock):
            return False
        try:
            start = self._present + bucket
            index = self._find(hash_, start)
            if index is not None:
                value = change(*self._entry(start, index))
            else:
                earlier = self._previous + bucket
                found = self._find(hash_, earlier)
                value = change(0.0, None) if found is None else change(*self._entry(earlier, found))
            if value is not None:
                if index is None:
                    index = self._replace_oldest(hash_, start)
                self._set(start, index, now, value)
        finally:
            self._memory.unlock(lock)
        return True

    def _find(self, hash_: bytes, start: int) -> int | None:
        """Return the number of an entry in its bucket."""
        offset = self._bytes.find(hash_, start, start + _HASHES) - start
        return None if offset < 0 or offset % _HASH_BYTES else offset // _HASH_BYTES

    def _entry(self, start: int, index: int) -> tuple[float, bytes]:
        (time,) = _TIME.unpack_from(self._bytes, start + _HASHES + index * _TIME_BYTES)
        place = start + _VALUES + index * self._value_bytes
        return time, self._bytes[place : place + self._value_bytes]

    def _replace_oldest(self, hash_: bytes, start: int) -> int:
        """Give the oldest entry of a bucket to another key; return its number."""
        # Free entries have the time 0.
        times = _TIMES.unpack_from(self._bytes, start + _HASHES)
        index = times.index(min(times))
        place = start + index * _HASH_BYTES
        self._bytes[place : place + _HASH_BYTES] = hash_
        return index

    def _set(self, start: int, index: int, now: float, value: bytes) -> None:
        _TIME.pack_into(self._bytes, start + _HASHES + index * _TIME_BYTES, now)
        place = start + _VALUES + index * self._value_bytes
        self._bytes[place : place + len(value)] = value
