"""Addresses to listen on."""

import errno
import socket

from hushpost_demo.failure import DemoError

__all__ = ["check_address", "with_port"]


def check_address(listen: str, option: str) -> None:
    """Make sure that `host:port`, given as an option, can be listened on. Raises DemoError."""
    _bound(listen, option)


def with_port(listen: str, option: str) -> str:
    """Return the address, a free port in the place of port 0. Raises DemoError."""
    host, _, _ = listen.rpartition(":")
    return f"{host}:{_bound(listen, option)}"


def _bound(listen: str, option: str) -> int:
    host, _, port = listen.rpartition(":")
    if not (host and port.isdecimal()):
        raise DemoError(f"{option} {listen}: not of the form host:port")
    family = socket.AF_INET6 if "[" in host else socket.AF_INET
    try:
        with socket.socket(family) as probe:
            # As those have it who listen later: a port that was in use a moment ago is free.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host.strip("[]"), int(port)))
            probe.listen()
            number: int = probe.getsockname()[1]
            return number
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise DemoError(
                f"{listen} is taken: another program listens there. Choose another address "
                f"with {option}; 127.0.0.1:0 takes a free port"
            ) from error
        raise DemoError(f"can't listen on {listen}: {error.strerror}") from error
    except OverflowError as error:
        raise DemoError(f"{option} {listen}: there is no such port") from error
