"""Reads from a request what its classification needs: headers and the client's address."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from hushpost_runtime.address_ranges import AddressRanges
from hushpost_runtime.forwarded_address import forwarded_address

__all__ = ["RequestInfo", "read_request_info"]

_PURPOSE_HEADERS = frozenset((b"purpose", b"x-purpose", b"sec-purpose", b"x-moz"))
_PREFETCH_PURPOSES = (b"prefetch", b"prerender", b"preview")
_HEADERS = _PURPOSE_HEADERS | {b"user-agent", b"sec-gpc", b"dnt", b"x-forwarded-for"}


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
        address = forwarded_address(address, forwarded, trusted_proxies)
    return RequestInfo(user_agent, address, is_prefetch, privacy_signal)
