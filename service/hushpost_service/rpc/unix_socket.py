"""Prepares the path of a Unix socket, which gRPC would take from another process."""

import errno
import os
import socket
from pathlib import Path

__all__ = ["free_path"]

_SECONDS = 5.0


def free_path(path: Path) -> None:
    """Remove the socket that a killed process has left at a path.

    Raises OSError if another process listens there, or if something else has the path.
    """
    if not path.is_socket():
        if path.exists():
            raise _error(errno.EEXIST)
        return
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(_SECONDS)
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink(missing_ok=True)
            return
    raise _error(errno.EADDRINUSE)


def _error(number: int) -> OSError:
    return OSError(number, os.strerror(number))
