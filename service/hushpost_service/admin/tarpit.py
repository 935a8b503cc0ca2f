"""Stops receiving from connections that flood the authority with calls without a valid key.

Refusing a call costs almost as much as serving one, and gRPC can neither refuse it earlier
nor close one of its connections. So the kernel discards what such a connection sends from
then on, by a socket filter (Linux: SO_ATTACH_FILTER, `man 7 socket`). The client waits for
acknowledgements that never come, and costs nothing while it does. If the connection were
closed instead, the client would open the next one at once. gRPC's keepalive, which gets no
response either, closes the connection within two minutes.

Systems without socket filters close the connection.
"""

import ctypes
import os
import socket
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from hushpost_service.admin.peer_address import address_of
from hushpost_service.bounded_cache import BoundedCache

__all__ = ["Tarpit"]

_SO_ATTACH_FILTER = 26
_DISCARD = ctypes.create_string_buffer(struct.pack("@HBBI", 0x06, 0, 0, 0))
"""A program for the kernel (struct sock_filter): return 0, the number of bytes to keep."""

_FILTER = struct.pack("@HP", 1, ctypes.addressof(_DISCARD))
"""struct sock_fprog: the program and its length."""

_CLOSE_WITH_RESET = struct.pack("@ii", 1, 0)
"""struct linger: closing does not wait for acknowledgements, which would be discarded."""

_MAX_CONNECTIONS = 10_000
_SEARCH_SHARE = 0.05
"""Share of time for searching sockets. A search takes about 10 µs per open file."""

_MIN_SEARCH_INTERVAL = 0.05

_Key = tuple[str, int]
"""Host and port of a peer. An IPv4 address that is mapped to IPv6 counts as IPv4."""


class Tarpit:
    """Connections that valid keys came over, and sockets to find the others by.

    gRPC does not give out its sockets, so they are searched among the open files of the process.
    """

    def __init__(self) -> None:
        self._trusted: BoundedCache[str, None] = BoundedCache(_MAX_CONNECTIONS)
        self._files: dict[_Key, int] = {}
        self._search_at = 0.0

    def trust(self, peer: str) -> None:
        """Never stop the connection of a peer, because a valid key came over it.

        A proxy can send calls of several clients over one connection.
        """
        if peer not in self._trusted:  # on every call's path
            self._trusted[peer] = None

    def stop(self, peer: str) -> None:
        """Receive nothing more from a peer, unless it is trusted. Best effort."""
        address = address_of(peer)
        if address is None or peer in self._trusted:
            return
        host, port = address
        key = str(host), port
        if not self._stop(key) and time.monotonic() >= self._search_at:
            self._search()
            self._stop(key)

    def _search(self) -> None:
        start = time.monotonic()
        self._files = dict(_connections())
        now = time.monotonic()
        self._search_at = now + max(_MIN_SEARCH_INTERVAL, (now - start) / _SEARCH_SHARE)

    def _stop(self, key: _Key) -> bool:
        """Stop a connection that a search has found; return whether it is still open."""
        file = self._files.get(key)
        if file is None:
            return False
        with suppress(OSError), _duplicate(file) as connection:
            if _peer_of(connection) == key:
                _discard_input(connection)
                return True
        del self._files[key]
        return False


def _discard_input(connection: socket.SocketType) -> None:
    try:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _CLOSE_WITH_RESET)
        connection.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, _FILTER)
    except OSError:
        connection.shutdown(socket.SHUT_RDWR)


def _connections() -> Iterator[tuple[_Key, int]]:
    """Yield the peer and the file number of each connected socket of the process."""
    for name in os.listdir("/dev/fd"):  # noqa: PTH208 - paths would be slower
        file = int(name)
        try:
            connection = _socket(file)
        except OSError:  # not a socket
            continue
        # Without `with` and `suppress`, which would take longer than the system calls.
        try:
            peer = _peer_of(connection)
        except OSError:  # not connected
            continue
        finally:
            connection.detach()  # leaves the file open
        if peer is not None:
            yield peer, file


@contextmanager
def _duplicate(file: int) -> Iterator[socket.SocketType]:
    """Yield a socket under a file number of its own, because gRPC may close it at any time."""
    duplicate = os.dup(file)
    try:
        connection = _socket(duplicate)
        try:
            yield connection
        finally:
            connection.detach()
    finally:
        os.close(duplicate)


def _socket(file: int) -> socket.SocketType:
    """Return an object for a socket. Raises OSError if it is another kind of file."""
    # Given family and type, Python does not ask the kernel for them.
    return socket.SocketType(socket.AF_INET6, socket.SOCK_STREAM, 0, fileno=file)


def _peer_of(connection: socket.SocketType) -> _Key | None:
    match connection.getpeername():
        case (str(host), int(port), *_):
            return host.removeprefix("::ffff:").partition("%")[0], port
        case _:
            return None  # a Unix socket
