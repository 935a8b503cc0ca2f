"""Finds ports for servers whose address must be known before they start."""

import secrets
import socket
from contextlib import suppress

__all__ = ["free_port"]

_PORTS = range(20_000, 32_000)


def free_port() -> int:
    """Return a port on which nothing listens at the moment.

    It is below those that the kernel gives to connections, which other tests open all the time.
    """
    while True:
        port = secrets.choice(_PORTS)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
