"""What a request shows of who made it. Lives as long as the request. Pure."""

import ipaddress
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from hushpost_edge.ranges import AddressRanges

__all__ = ["Evidence", "gather", "network_of"]

_PURPOSES = frozenset((b"purpose", b"x-purpose", b"sec-purpose", b"x-moz"))
_IPV6_SITE_BYTES = 6
_READ = _PURPOSES | {b"user-agent", b"sec-gpc", b"dnt", b"x-forwarded-for"}
_AHEAD = (b"prefetch", b"prerender", b"preview")


class Evidence(NamedTuple):
    """What is judged. Neither stored, sent nor logged."""

    agent: bytes
    address: str
    is_prefetch: bool
    privacy_signal: bool


def gather(scope: Mapping[str, Any], proxies: AddressRanges) -> Evidence:
    """Read what matters from an ASGI scope; nothing of Host or X-Forwarded-Host does."""
    agent = b""
    forwarded: list[bytes] = []
    is_prefetch = privacy_signal = False
    for name, value in scope["headers"]:
        if name not in _READ:
            continue
        if name == b"user-agent":
            agent = value
        elif name in _PURPOSES:
            is_prefetch = is_prefetch or value.strip().lower().startswith(_AHEAD)
        elif name == b"x-forwarded-for":
            forwarded.append(value)
        else:
            privacy_signal = privacy_signal or value.strip() == b"1"
    client = scope.get("client")
    address = client[0] if client else ""
    if forwarded and address in proxies:
        address = _behind(address, b",".join(forwarded).split(b","), proxies)
    return Evidence(agent, address, is_prefetch, privacy_signal)


def _behind(address: str, forwarded: Iterable[bytes], proxies: AddressRanges) -> str:
    """Walk back from the nearest proxy to the first address that is none of ours.

    What stands before that was written by whoever is there, and proves nothing.
    """
    for entry in reversed(list(forwarded)):
        if address not in proxies:
            break
        address = entry.strip().decode("latin-1")
    return address


def network_of(address: str) -> str | bytes:
    """Return the neighbourhood of an address: a /24 of IPv4, or a /48 of IPv6.

    In a form that is good for comparing, and nothing else. What is no address
    is its own neighbourhood.
    """
    if "." in address:
        return address.rpartition(".")[0]
    try:
        return ipaddress.ip_address(address).packed[:_IPV6_SITE_BYTES]
    except ValueError:
        return address
