"""Sets of IP address ranges."""

import ipaddress
from bisect import bisect_right
from collections.abc import Iterable
from itertools import accumulate
from typing import Annotated

from pydantic import AfterValidator

__all__ = ["AddressRangeList", "AddressRanges", "AddressRangesError"]

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class AddressRangesError(Exception):
    """A text is not an address range; the message quotes it."""


class AddressRanges:
    """A set of IPv4 and IPv6 ranges, for example `"192.0.2.1" in ranges`.

    A lookup is a binary search, because Apple's list has some 300,000 ranges.

    Args:
        texts: Ranges such as `192.0.2.0/24`; empty texts are ignored.

    Raises:
        AddressRangesError: A text is not a range.
    """

    def __init__(self, texts: Iterable[str] = ()) -> None:
        bounds: dict[int, list[tuple[int, int]]] = {4: [], 6: []}
        for text in texts:
            if stripped := text.strip():
                network = _network(stripped)
                first, last = network.network_address, network.broadcast_address
                bounds[network.version].append((int(first), int(last)))
        self._starts: dict[int, list[int]] = {}
        # The highest end among a range and those before it. Nested ranges need no merging:
        # an address is in the set if it is at most this end for the last start before it.
        self._ends: dict[int, list[int]] = {}
        for version, pairs in bounds.items():
            pairs.sort()
            self._starts[version] = [first for first, _ in pairs]
            self._ends[version] = list(accumulate((last for _, last in pairs), max))
        self._is_empty = not any(self._starts.values())

    def __contains__(self, address: str) -> bool:
        if self._is_empty:
            return False
        try:
            parsed: _Address = ipaddress.ip_address(address)
        except ValueError:
            return False
        if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is not None:
            parsed = parsed.ipv4_mapped
        number = int(parsed)
        index = bisect_right(self._starts[parsed.version], number) - 1
        return index >= 0 and number <= self._ends[parsed.version][index]


def _network(text: str) -> _Network:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise AddressRangesError(f"{text!r} is not an address range") from None


def _checked(texts: str) -> str:
    try:
        AddressRanges(texts.split(","))
    except AddressRangesError as error:
        raise ValueError(str(error)) from error
    return texts


AddressRangeList = Annotated[str, AfterValidator(_checked)]
"""The type of a setting with ranges, separated by commas."""
