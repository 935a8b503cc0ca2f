"""Checks addresses to listen on."""

import errno
import socket

from hushpost_demo.errors import DemoError

__all__ = ["check_address", "with_port"]


def check_address(listen: str, option: str) -> None:
    """Check that a process can listen on the `host:port` of an option. Raises DemoError."""
    _bound(listen, option)


def with_port(listen: str, option: str) -> str:
    """Return the address with port 0 replaced by a free port. Raises DemoError."""
    host, _, _ = listen.rpartition(":")
    return f"{host}:{_bound(listen, option)}"


def _bound(listen: str, option: str) -> int:
    host, _, port = listen.rpartition(":")
    if not (host and port.isdecimal()):
        raise DemoError(f"{option} {listen} must have the form host:port")
    family = socket.AF_INET6 if "[" in host else socket.AF_INET
    try:
        with socket.socket(family) as probe:
            # As the servers do: a port in TIME_WAIT counts as free.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host.strip("[]"), int(port)))
            probe.listen()
            number: int = probe.getsockname()[1]
            return number
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise DemoError(
                f"{listen} is taken: another program listens there. Choose another address "
                f"with {option}; 127.0.0.1:0 picks a free port"
            ) from error
        raise DemoError(f"cannot listen on {listen}: {error.strerror}") from error
    except OverflowError as error:
        raise DemoError(f"{option} {listen}: a port must be at most 65535") from error
