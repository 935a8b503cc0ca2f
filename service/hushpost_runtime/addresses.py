"""Checks the addresses that servers listen on: `host:port`, or `unix:/path` for a Unix socket."""

import ipaddress
import os
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator

__all__ = [
    "GrpcAddress",
    "ListenAddress",
    "ServerAddress",
    "host_and_port",
    "is_loopback",
    "socket_path",
]

_MAX_PORT = 65_535
_MAX_PATH_BYTES = 107
"""See unix(7); the field has a null byte as well."""


def host_and_port(address: str) -> tuple[str, int]:
    """Return the host, without the brackets of an IPv6 address, and the port.

    Raises ValueError if the address does not have the form `host:port`.
    """
    host, _, port = address.rpartition(":")
    name = host.removeprefix("[").removesuffix("]")
    is_host = host == f"[{name}]" if ":" in host else host == name != ""
    if not (is_host and port.isascii() and port.isdigit() and int(port) <= _MAX_PORT):
        raise ValueError(
            f"must be host:port with a port from 0 to {_MAX_PORT}, for example 0.0.0.0:50051 "
            "or [::]:50051"
        )
    return name, int(port)


def is_loopback(host: str) -> bool:
    """Return whether only processes of this machine can connect to a host. In doubt, no."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _checked(address: str) -> str:
    host_and_port(address)
    return address


ListenAddress = Annotated[str, AfterValidator(_checked)]
"""The type of a setting with an address to listen on."""


def socket_path(address: str) -> Path | None:
    """Return the path of a Unix socket, None for `host:port`.

    Raises ValueError if the path is not absolute, or too long for a socket.
    """
    if not address.startswith("unix:"):
        return None
    path = Path(address.removeprefix("unix:"))
    if not path.is_absolute() or len(os.fsencode(path)) > _MAX_PATH_BYTES:
        raise ValueError(
            f"must be unix: and an absolute path of at most {_MAX_PATH_BYTES} bytes, for example "
            "unix:/run/hushpost/grpc.sock"
        )
    return path


def _checked_grpc(address: str) -> str:
    return address if socket_path(address) else _checked(address)


GrpcAddress = Annotated[str, AfterValidator(_checked_grpc)]
"""The type of a setting with an address to serve gRPC on, which may be a Unix socket."""


def _with_port(address: str) -> str:
    if host_and_port(address)[1] == 0:
        raise ValueError(f"must be host:port with a port from 1 to {_MAX_PORT}")
    return address


ServerAddress = Annotated[ListenAddress, AfterValidator(_with_port)]
"""Like `ListenAddress`, without port 0, for which each worker process would get another free port."""
