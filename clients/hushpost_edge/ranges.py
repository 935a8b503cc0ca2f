"""Sets of address ranges. Pure but for reading a file."""

import ipaddress
from bisect import bisect_right
from collections.abc import Iterable
from pathlib import Path
from typing import Self

__all__ = ["AddressRanges", "RangesError"]

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class RangesError(Exception):
    """A range that can't be read; the message says which."""


class AddressRanges:
    """IPv4 and IPv6 ranges; asks for one address take a binary search.

    Apple's list has some 300,000 ranges, so that a list to go through would be
    too slow.
    """

    def __init__(self, texts: Iterable[str] = ()) -> None:
        """Take ranges such as `192.0.2.0/24`; blanks are left out. Raises RangesError."""
        bounds: dict[int, list[tuple[int, int]]] = {4: [], 6: []}
        for text in texts:
            if stripped := text.strip():
                network = _network(stripped)
                first, last = network.network_address, network.broadcast_address
                bounds[network.version].append((int(first), int(last)))
        self._starts: dict[int, list[int]] = {}
        self._ends: dict[int, list[int]] = {}
        for version, pairs in bounds.items():
            merged = _merged(pairs)
            self._starts[version] = [first for first, _ in merged]
            self._ends[version] = [last for _, last in merged]
        self._is_empty = not any(self._starts.values())

    @classmethod
    def load(cls, file: Path | None) -> Self:
        """Read a file with a range a line; None: no ranges. Raises RangesError, OSError.

        What follows `#` or a comma is left out: Apple's own list, with its
        columns of countries and towns, can be used as it is.
        """
        if file is None:
            return cls()
        lines = file.read_text("utf-8", errors="replace").splitlines()
        try:
            return cls(line.partition("#")[0].partition(",")[0] for line in lines)
        except RangesError as error:
            raise RangesError(f"{file}: {error}") from error

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
        place = bisect_right(self._starts[parsed.version], number) - 1
        return place >= 0 and number <= self._ends[parsed.version][place]


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise RangesError(f"{text!r} is not an address range") from None


def _merged(pairs: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Sort ranges and join those that overlap, so that one look decides."""
    merged: list[tuple[int, int]] = []
    for first, last in sorted(pairs):
        if merged and first <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(last, merged[-1][1]))
        else:
            merged.append((first, last))
    return merged
