"""Addresses of clients are parsed as gRPC names them."""

import pytest

from hushpost_service.admin.peer_address import source_of


@pytest.mark.parametrize(
    ("peer", "source"),
    [
        ("ipv4:192.0.2.7:5000", "192.0.2.7"),
        ("ipv6:%5B2001:db8:0:1::7%5D:5000", "20010db800000001"),
        ("ipv6:%5B2001:db8:0:1:ffff::%5D:5001", "20010db800000001"),
        ("ipv6:%5B2001:db8:0:2::7%5D:5000", "20010db800000002"),
        ("ipv6:%5B::ffff:192.0.2.7%5D:5000", "192.0.2.7"),
        ("ipv6:%5Bfe80::1%25eth0%5D:5000", "fe80000000000000"),
        ("unix:", "unix"),
        ("unix:/run/hushpost.sock", "unix"),
        ("ipv4:nonsense", "ipv4"),
        ("", ""),
    ],
)
def test_the_source_of_a_call_is_its_address_or_network(peer: str, source: str) -> None:
    """Ports do not matter, nor does the part of an IPv6 address that a host can choose."""
    assert source_of(peer) == source
