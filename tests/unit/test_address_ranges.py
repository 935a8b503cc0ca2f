"""Sets of IP address ranges."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hushpost_runtime.address_ranges import AddressRanges, AddressRangesError


@given(
    ranges=st.lists(st.tuples(st.integers(0, 2**32 - 1), st.integers(8, 32)), max_size=8),
    number=st.integers(0, 2**32 - 1),
    near=st.integers(-2, 2),
)
def test_lookups_match_a_linear_search(
    ranges: list[tuple[int, int]], number: int, near: int
) -> None:
    """The set contains an address exactly if one of its ranges does."""
    networks = [ipaddress.ip_network((first, length), strict=False) for first, length in ranges]
    if networks:
        number = min(max(int(networks[0].broadcast_address) + near, 0), 2**32 - 1)
    address = ipaddress.IPv4Address(number)
    found = str(address) in AddressRanges(map(str, networks))
    assert found == any(address in network for network in networks)


def test_ipv4_and_ipv6_are_supported() -> None:
    """IPv4, IPv6 and IPv4-mapped IPv6 addresses are found."""
    ranges = AddressRanges(["192.0.2.0/24", " 2001:db8::/32 ", "", "198.51.100.7"])
    for inside in ("192.0.2.255", "::ffff:192.0.2.1", "2001:db8:ffff::1", "198.51.100.7"):
        assert inside in ranges
    for outside in ("192.0.3.0", "2001:db9::", "198.51.100.8", "", "unknown", "192.0.2.1:80"):
        assert outside not in ranges


def test_an_invalid_range_is_reported() -> None:
    """The error quotes the invalid text."""
    with pytest.raises(AddressRangesError, match=r"'10\.0\.0/33' is not"):
        AddressRanges(["10.0.0.0/8", "10.0.0/33"])
