"""Reads from a request what its classification needs: headers and the client's address."""

from collections.abc import Iterable, Mapping
from socket import AF_INET6, inet_pton
from typing import Any, NamedTuple

from hushpost_edge.address_ranges import AddressRanges

__all__ = ["RequestInfo", "network_of", "read_request_info", "subnet_of"]

_PURPOSE_HEADERS = frozenset((b"purpose", b"x-purpose", b"sec-purpose", b"x-moz"))
_PREFETCH_PURPOSES = (b"prefetch", b"prerender", b"preview")
_HEADERS = _PURPOSE_HEADERS | {b"user-agent", b"sec-gpc", b"dnt", b"x-forwarded-for"}
_IPV6_SITE_BYTES = 6
_IPV6_SUBNET_BYTES = 8


class RequestInfo(NamedTuple):
    """The input of the classifier. It is neither stored, sent nor logged."""

    user_agent: bytes
    address: str
    is_prefetch: bool
    privacy_signal: bool


def read_request_info(scope: Mapping[str, Any], trusted_proxies: AddressRanges) -> RequestInfo:
    """Read an ASGI scope. Ignores Host, X-Forwarded-Host and similar headers."""
    user_agent = b""
    forwarded: list[bytes] = []
    is_prefetch = privacy_signal = False
    for name, value in scope["headers"]:
        if name not in _HEADERS:
            continue
        if name == b"user-agent":
            user_agent = value
        elif name in _PURPOSE_HEADERS:
            is_prefetch = is_prefetch or value.strip().lower().startswith(_PREFETCH_PURPOSES)
        elif name == b"x-forwarded-for":
            forwarded.append(value)
        else:
            privacy_signal = privacy_signal or value.strip() == b"1"
    client = scope.get("client")
    address = client[0] if client else ""
    if forwarded and address in trusted_proxies:
        address = _forwarded_address(address, b",".join(forwarded).split(b","), trusted_proxies)
    return RequestInfo(user_agent, address, is_prefetch, privacy_signal)


def _forwarded_address(
    address: str, forwarded: Iterable[bytes], trusted_proxies: AddressRanges
) -> str:
    """Return the last address of X-Forwarded-For that is not a trusted proxy.

    Entries before it were sent by the client and can be forged.
    """
    for entry in reversed(list(forwarded)):
        if address not in trusted_proxies:
            break
        address = entry.strip().decode("latin-1")
    return address


def network_of(address: str) -> str | bytes:
    """Return the network of an address, a /24 of IPv4 or a /48 of IPv6.

    The result is opaque and only good for comparison. A text that is not an address is
    its own network.
    """
    if "." in address:
        return address.rpartition(".")[0]
    return _ipv6_prefix(address, _IPV6_SITE_BYTES) or address


def subnet_of(address: str) -> bytes:
    """Return an IPv4 address, or the /64 of an IPv6 address, whose rest devices change daily.

    The result is opaque, like that of `network_of`.
    """
    prefix = _ipv6_prefix(address, _IPV6_SUBNET_BYTES) if ":" in address else None
    return prefix or address.encode()


def _ipv6_prefix(address: str, size: int) -> bytes | None:
    """Return the first bytes of an IPv6 address; None for any other text."""
    try:
        # 15 times as fast as the module ipaddress.
        return inet_pton(AF_INET6, address)[:size]
    except (OSError, ValueError):
        return None
