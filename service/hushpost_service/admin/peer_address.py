"""Parses the addresses of clients, as gRPC names them: `ipv4:192.0.2.1:5000`."""

from ipaddress import IPv4Address, IPv6Address, ip_address
from urllib.parse import unquote

__all__ = ["Address", "address_of", "source_of"]

Address = tuple[IPv4Address | IPv6Address, int]
"""An IP address and a port. An IPv4 address that is mapped to IPv6 counts as IPv4."""

_IPV6_HOST_BITS = 64


def address_of(peer: str) -> Address | None:
    """Return the address of a peer; None if it is not connected by IP."""
    kind, _, rest = peer.partition(":")
    if kind not in ("ipv4", "ipv6"):
        return None
    host, _, port = unquote(rest).rpartition(":")
    try:
        return _unmapped(host.strip("[]").partition("%")[0]), int(port)
    except ValueError:
        return None


def source_of(peer: str) -> str:
    """Return the address of a peer without the port.

    Of an IPv6 address only the network of 64 bits counts, because a host has all of it.
    """
    parsed = address_of(peer)
    if parsed is None:
        return peer.partition(":")[0]
    address, _ = parsed
    if isinstance(address, IPv6Address):
        return f"{int(address) >> _IPV6_HOST_BITS:x}"
    return str(address)


def _unmapped(host: str) -> IPv4Address | IPv6Address:
    address = ip_address(host)
    return address.ipv4_mapped or address if isinstance(address, IPv6Address) else address
