"""Tells which addresses belong to the same network or the same device."""

from socket import AF_INET6, inet_pton

__all__ = ["network_of", "subnet_of"]

_IPV6_SITE_BYTES = 6
_IPV6_SUBNET_BYTES = 8


def network_of(address: str) -> bytes:
    """Return the network of an address, a /24 of IPv4 or a /48 of IPv6.

    The result is opaque and only good for comparison. A text that is not an address is
    its own network.
    """
    if "." in address:
        return address.rpartition(".")[0].encode()
    return _ipv6_prefix(address, _IPV6_SITE_BYTES) or address.encode()


def subnet_of(address: str) -> bytes:
    """Return an IPv4 address, or the /64 of an IPv6 address, whose rest devices change daily.

    The result is opaque, like that of `network_of`.
    """
    if "." in address:
        # Servers that listen on [::] see IPv4 addresses as ::ffff:192.0.2.1.
        return address.rpartition(":")[2].encode()
    prefix = _ipv6_prefix(address, _IPV6_SUBNET_BYTES) if ":" in address else None
    return prefix or address.encode()


def _ipv6_prefix(address: str, size: int) -> bytes | None:
    """Return the first bytes of an IPv6 address; None for any other text."""
    try:
        # 15 times as fast as the module ipaddress.
        return inet_pton(AF_INET6, address)[:size]
    except (OSError, ValueError):
        return None
