"""Checks the addresses that servers listen on, `host:port`."""

import ipaddress
from typing import Annotated

from pydantic import AfterValidator

__all__ = ["ListenAddress", "ServerAddress", "host_and_port", "is_loopback"]

_MAX_PORT = 65_535


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


def _with_port(address: str) -> str:
    if host_and_port(address)[1] == 0:
        raise ValueError(f"must be host:port with a port from 1 to {_MAX_PORT}")
    return address


ServerAddress = Annotated[ListenAddress, AfterValidator(_with_port)]
"""The same without port 0, for which each worker process would get another free port."""
