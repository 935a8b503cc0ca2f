"""Finds ports for servers whose address must be known before they start."""

import secrets
import socket

__all__ = ["free_port"]

_PORTS = range(20_000, 32_000)


def free_port(count: int = 1) -> int:
    """Return the first of `count` consecutive ports on which nothing listens at the moment.

    They are below those that the kernel gives to connections, which other tests open all the time.
    """
    while True:
        port = secrets.choice(_PORTS)
        if all(_is_free(port + number) for number in range(count)):
            return port


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
