"""Keeps new connections away from a server that is about to close its listening sockets.

Closing a listening socket resets connections that the server has not accepted yet, and Granian closes
accepted ones whose first request it has not read. With a socket filter, the kernel ignores
attempts to connect instead. Clients repeat them a second later and are refused then, or reach the
next server, and what has been accepted is served. No privilege is needed.
"""

import ctypes
import socket
import struct
from contextlib import suppress
from pathlib import Path

__all__ = ["ignore_new_connections"]

# asm-generic/socket.h; Python has no name for it.
_SO_ATTACH_FILTER = 26
# linux/filter.h: a program of one instruction, BPF_RET | BPF_K, which keeps 0 bytes of a packet.
_DROP = ctypes.create_string_buffer(struct.pack("HBBI", 0x06, 0, 0, 0))
_PROGRAM = struct.pack("HP", 1, ctypes.addressof(_DROP))


def ignore_new_connections() -> None:
    """Drop the packets that ask any listening socket of this process for a connection.

    Does nothing on systems other than Linux.
    """
    with suppress(OSError):
        for file in Path("/proc/self/fd").iterdir():
            with suppress(OSError):
                _filter(int(file.name))


def _filter(number: int) -> None:
    """Set the filter if the file descriptor is a listening socket. Raises OSError if none."""
    listener = socket.socket(fileno=number)
    try:
        if listener.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
            listener.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, _PROGRAM)
    finally:
        listener.detach()
