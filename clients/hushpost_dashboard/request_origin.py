"""Tells where a request comes from: the client's network, and whether it is encrypted."""

from starlette.requests import Request

from hushpost_runtime.address_ranges import AddressRanges
from hushpost_runtime.forwarded_address import forwarded_address
from hushpost_runtime.networks import subnet_of

__all__ = ["RequestOrigin"]

_MAX_BYTES = 64
"""Longer than any address: bounds the memory for what a proxy passes on unchecked."""


class RequestOrigin:
    """Reads the headers of trusted reverse proxies, and ignores those of all others."""

    def __init__(self, trusted_proxies: AddressRanges) -> None:
        self._trusted_proxies = trusted_proxies

    def network(self, request: Request) -> bytes:
        """Return the client's address, or the /64 of an IPv6 address. Opaque."""
        address = _peer(request)
        forwarded = [value.encode("latin-1") for value in _forwarded_for(request)]
        if forwarded and address in self._trusted_proxies:
            address = forwarded_address(address, forwarded, self._trusted_proxies)
        return subnet_of(address)[:_MAX_BYTES]

    def is_https(self, request: Request) -> bool:
        """Return whether the browser's connection is encrypted."""
        if _peer(request) not in self._trusted_proxies:
            return False
        return request.headers.get("x-forwarded-proto", "").strip().lower() == "https"


def _peer(request: Request) -> str:
    return request.client.host if request.client else ""


def _forwarded_for(request: Request) -> list[str]:
    return request.headers.getlist("x-forwarded-for")
