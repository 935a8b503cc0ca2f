"""Memory that all worker processes of an edge share.

It has no name in any file system, so nothing is left of it when the last process ends, also after a
crash. It is not part of core dumps. The main process passes its descriptor to each worker that it
starts, together with a random key. What is in the memory is hashed under the key, which is not in it.

Only Linux has such memory (`memfd_create`). Elsewhere each worker has its own.
"""

import fcntl
import mmap
import os
import secrets
import sys
from collections.abc import Callable
from multiprocessing.reduction import DupFd
from typing import Any, Self

__all__ = ["SharedMemory"]

_KEY_BYTES = 32
_LOCK_TRIES = 200
"""A lock is held for some 10 µs. A process that is stopped while it holds one delays others by
300 µs."""


class SharedMemory:
    """A memory of `size` bytes, which are 0 at first. Pickling passes it to a child process.

    Attributes:
        bytes: The memory.
        key: The key under which its content is hashed.
    """

    def __init__(self, descriptor: int | None, size: int, key: bytes) -> None:
        self._descriptor = descriptor
        self._size = size
        self.key = key
        self.bytes = mmap.mmap(-1 if descriptor is None else descriptor, size)
        if sys.platform == "linux":
            self.bytes.madvise(mmap.MADV_DONTDUMP)

    @classmethod
    def create(cls, size: int, workers: int) -> Self:
        """Create a memory; a single worker has its own, without locks. Raises OSError."""
        descriptor = None
        if sys.platform == "linux" and workers > 1:
            descriptor = os.memfd_create("hushpost-edge")
            os.truncate(descriptor, size)
        return cls(descriptor, size, secrets.token_bytes(_KEY_BYTES))

    def __reduce__(self) -> tuple[Callable[..., "SharedMemory"], tuple[Any, ...]]:
        """Pass the memory to a process that is being started."""
        descriptor = None if self._descriptor is None else DupFd(self._descriptor)
        return _receive, (descriptor, self._size, self.key)

    def close(self) -> None:
        """Free the memory, if no other process uses it."""
        self.bytes.close()
        if self._descriptor is not None:
            os.close(self._descriptor)

    def try_lock(self, offset: int, tries: int = _LOCK_TRIES) -> bool:
        """Lock a byte against other processes; the kernel unlocks it if this process dies.

        Returns:
            Whether it is locked. False if another process holds the lock for long: what is in
            the memory is never worth waiting for.
        """
        if self._descriptor is None:
            return True
        for _ in range(tries):
            try:
                fcntl.lockf(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, offset)
            except OSError:
                os.sched_yield()
            else:
                return True
        return False

    def unlock(self, offset: int) -> None:
        """Unlock a byte."""
        if self._descriptor is not None:
            fcntl.lockf(self._descriptor, fcntl.LOCK_UN, 1, offset)

    def clear(self, start: int, size: int) -> None:
        """Overwrite pages with zeros by returning them to the operating system."""
        if sys.platform == "linux":
            self.bytes.madvise(mmap.MADV_REMOVE, start, size)
        else:
            self.bytes[start : start + size] = bytes(size)


def _receive(descriptor: Any, size: int, key: bytes) -> SharedMemory:
    return SharedMemory(None if descriptor is None else descriptor.detach(), size, key)
