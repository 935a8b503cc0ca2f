"""Sets of address ranges."""

import ipaddress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hushpost_edge.ranges import AddressRanges, RangesError


@given(
    ranges=st.lists(st.tuples(st.integers(0, 2**32 - 1), st.integers(8, 32)), max_size=8),
    number=st.integers(0, 2**32 - 1),
    near=st.integers(-2, 2),
)
def test_it_answers_as_looking_at_each_range_does(
    ranges: list[tuple[int, int]], number: int, near: int
) -> None:
    """Sorted and joined ranges hold the same addresses as the ranges one by one."""
    networks = [ipaddress.ip_network((first, length), strict=False) for first, length in ranges]
    if networks:
        number = min(max(int(networks[0].broadcast_address) + near, 0), 2**32 - 1)
    address = ipaddress.IPv4Address(number)
    found = str(address) in AddressRanges(map(str, networks))
    assert found == any(address in network for network in networks)


def test_both_families_are_held() -> None:
    """IPv6, and IPv4 written as IPv6, are found."""
    ranges = AddressRanges(["192.0.2.0/24", " 2001:db8::/32 ", "", "198.51.100.7"])
    for inside in ("192.0.2.255", "::ffff:192.0.2.1", "2001:db8:ffff::1", "198.51.100.7"):
        assert inside in ranges
    for outside in ("192.0.3.0", "2001:db9::", "198.51.100.8", "", "unknown", "192.0.2.1:80"):
        assert outside not in ranges


def test_a_file_may_have_comments_and_columns(tmp_path: Path) -> None:
    """A list with comments, blank lines and columns after a comma is read as it is."""
    file = tmp_path / "ranges.csv"
    file.write_text("# relay\n172.224.224.0/27,GB,GB-EN,London,\n\n2a02:26f7::/64,AQ,,, # x\n")
    ranges = AddressRanges.load(file)
    assert "172.224.224.31" in ranges
    assert "2a02:26f7::5" in ranges
    assert "172.224.224.32" not in ranges


def test_a_wrong_line_is_named(tmp_path: Path) -> None:
    """What is no range ends the start, with the file and the text."""
    file = tmp_path / "ranges"
    file.write_text("10.0.0.0/8\n10.0.0/33\n")
    with pytest.raises(RangesError, match=r"ranges: '10\.0\.0/33' is not"):
        AddressRanges.load(file)
