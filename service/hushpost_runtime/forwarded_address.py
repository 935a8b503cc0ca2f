"""Finds the address of a client behind reverse proxies."""

from collections.abc import Iterable

from hushpost_runtime.address_ranges import AddressRanges

__all__ = ["forwarded_address"]


def forwarded_address(
    address: str, forwarded: Iterable[bytes], trusted_proxies: AddressRanges
) -> str:
    """Return the last address of X-Forwarded-For that is not a trusted proxy.

    Entries before it were sent by the client and can be forged.

    Args:
        address: The address of the connection.
        forwarded: The values of all X-Forwarded-For headers, in their order.
        trusted_proxies: The proxies whose header is trusted.
    """
    for entry in reversed(b",".join(forwarded).split(b",")):
        if address not in trusted_proxies:
            break
        address = entry.strip().decode("latin-1")
    return address
