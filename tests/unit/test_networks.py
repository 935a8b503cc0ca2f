"""Addresses of the same network or device."""

from hushpost_runtime.networks import network_of, subnet_of


def test_devices_of_an_ipv6_subnet_are_one() -> None:
    """The last 64 bits of an address change daily."""
    assert subnet_of("2001:db8:1:2::1") == subnet_of("2001:db8:1:2:3:4:5:6")
    assert subnet_of("2001:db8:1:2::1") != subnet_of("2001:db8:1:3::1")


def test_ipv4_addresses_are_distinguished_on_ipv6_sockets() -> None:
    """Their first 64 bits are zero there."""
    assert subnet_of("::ffff:192.0.2.1") != subnet_of("::ffff:192.0.2.2")
    assert subnet_of("::ffff:192.0.2.1") == subnet_of("192.0.2.1")


def test_networks_are_larger() -> None:
    """A /24 of IPv4, a /48 of IPv6; other texts are networks of their own."""
    assert network_of("192.0.2.1") == network_of("192.0.2.200")
    assert network_of("192.0.2.1") != network_of("192.0.3.1")
    assert network_of("2001:db8:1:2::1") == network_of("2001:db8:1:ffff::1")
    assert network_of("2001:db8:1::1") != network_of("2001:db8:2::1")
    assert network_of("x") == b"x"
    assert subnet_of("x") == b"x"
