"""Reads from a request what its classification needs: headers and the client's address."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from hushpost_runtime.address_ranges import AddressRanges
from hushpost_runtime.forwarded_address import forwarded_address

__all__ = ["RequestInfo", "read_request_info"]

_PURPOSE_HEADERS = frozenset((b"purpose", b"x-purpose", b"sec-purpose", b"x-moz"))
_PREFETCH_PURPOSES = (b"prefetch", b"prerender", b"preview")
_PRIVACY_HEADERS = frozenset((b"sec-gpc", b"dnt"))
_HEADERS = (
    _PURPOSE_HEADERS
    | _PRIVACY_HEADERS
    | {b"user-agent", b"accept-language", b"sec-fetch-mode"}
    | {b"x-forwarded-for", b"x-forwarded-proto"}
)


class RequestInfo(NamedTuple):
    """The input of the classifier. It is neither stored, sent nor logged.

    Attributes:
        user_agent: The user agent; empty if there is none.
        address: The client's address, as far as trusted proxies name it.
        is_prefetch: Whether a header says that a browser fetches the page ahead.
        privacy_signal: Whether `Sec-GPC` or `DNT` is set.
        has_language: Whether there is an `Accept-Language`. What it says is ignored.
        fetch_mode: The value of `Sec-Fetch-Mode`; empty if there is none.
        is_https: Whether the client is known to use https.
    """

    user_agent: bytes
    address: str
    is_prefetch: bool
    privacy_signal: bool
    has_language: bool
    fetch_mode: bytes
    is_https: bool


def read_request_info(scope: Mapping[str, Any], trusted_proxies: AddressRanges) -> RequestInfo:
    """Read an ASGI scope. Ignores Host, X-Forwarded-Host and similar headers."""
    user_agent = fetch_mode = b""
    forwarded: list[bytes] = []
    is_prefetch = privacy_signal = has_language = is_forwarded_https = False
    for name, value in scope["headers"]:
        if name not in _HEADERS:
            continue
        if name == b"user-agent":
            user_agent = value
        elif name == b"accept-language":
            has_language = value != b""
        elif name == b"sec-fetch-mode":
            fetch_mode = value
        elif name == b"x-forwarded-proto":
            is_forwarded_https = value[:5].lower() == b"https"
        elif name in _PURPOSE_HEADERS:
            is_prefetch = is_prefetch or value.strip().lower().startswith(_PREFETCH_PURPOSES)
        elif name == b"x-forwarded-for":
            forwarded.append(value)
        else:
            privacy_signal = privacy_signal or value.strip() == b"1"
    client = scope.get("client")
    address = client[0] if client else ""
    is_https = scope.get("scheme") == "https"
    if forwarded and address in trusted_proxies:
        address = forwarded_address(address, forwarded, trusted_proxies)
        is_https = is_forwarded_https
    return RequestInfo(
        user_agent, address, is_prefetch, privacy_signal, has_language, fetch_mode, is_https
    )
