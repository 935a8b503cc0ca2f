"""Reserves addresses that several processes listen on with SO_REUSEPORT.

The kernel spreads new connections over the listening sockets of an address. A connection stays
with its process.
"""

import socket
from collections.abc import Iterator
from contextlib import contextmanager

from hushpost_runtime.addresses import host_and_port
from hushpost_service.rpc.server import AddressError

__all__ = ["reserved_address"]


@contextmanager
def reserved_address(address: str) -> Iterator[str]:
    """Reserve an address for the block; yield it with its port.

    Raises AddressError if another process listens on it: with SO_REUSEPORT alone, the two would
    share its calls.
    """
    host, port = host_and_port(address)
    try:
        family, _, _, _, name = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with socket.socket(family, socket.SOCK_STREAM) as alone:
            # Permits connections that are closing, not another listening socket.
            alone.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            alone.bind(name)
            alone.listen()
            name = alone.getsockname()
        reserving = socket.socket(family, socket.SOCK_STREAM)
    except OSError as error:
        raise AddressError(f"cannot listen on {address}: {error.strerror}") from None
    with reserving:
        reserving.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        try:
            reserving.bind(name)
        except OSError as error:
            raise AddressError(f"cannot listen on {address}: {error.strerror}") from None
        # Without `listen`, the kernel gives this socket no connections.
        yield f"{address.rpartition(':')[0]}:{name[1]}"
