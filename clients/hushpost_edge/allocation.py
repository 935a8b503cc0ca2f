"""Allocates the blocks of files before they are written."""

import errno
import os

__all__ = ["allocate"]

_UNSUPPORTED = (errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS)


def allocate(file: int, start: int, size: int) -> None:
    """Allocate a part of a file that has no content yet; the file grows.

    Raises OSError. A part may have been allocated then.
    """
    try:
        os.posix_fallocate(file, start, size)
    except OSError as error:
        if error.errno not in _UNSUPPORTED:
            raise
    else:
        return
    # Some file systems cannot; glibc writes to each block then, musl does not.
    end = start + size
    while start < end:
        start += os.pwrite(file, bytes(end - start), start)
