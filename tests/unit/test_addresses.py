"""Addresses to listen on."""

import pytest

from hushpost_runtime.addresses import host_and_port, is_loopback


@pytest.mark.parametrize(
    ("address", "parts"),
    [
        ("127.0.0.1:50051", ("127.0.0.1", 50051)),
        ("192.0.2.1:0", ("192.0.2.1", 0)),
        ("[::]:65535", ("::", 65535)),
        ("[::1]:50051", ("::1", 50051)),
        ("authority.example.com:1", ("authority.example.com", 1)),
    ],
)
def test_an_address_has_a_host_and_a_port(address: str, parts: tuple[str, int]) -> None:
    """Returns the host without brackets, and the port."""
    assert host_and_port(address) == parts


@pytest.mark.parametrize(
    "address",
    [
        *("", ":", "foo", "abc:", ":99999", ":50051", "[]:1", "127.0.0.1", "127.0.0.1:65536"),
        *("127.0.0.1:-1", "127.0.0.1: 1", "::1:50051", "[::1", "[::1]", "[::1:50051"),
        "127.0.0.1:\N{ARABIC-INDIC DIGIT THREE}",
    ],
)
def test_other_forms_are_refused(address: str) -> None:
    """Anything else raises ValueError with the expected form."""
    with pytest.raises(ValueError, match="must be host:port"):
        host_and_port(address)


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("localhost", True),
        ("127.0.0.1", True),
        ("127.8.9.10", True),
        ("::1", True),
        ("0.0.0.0", False),  # noqa: S104 - nothing listens
        ("::", False),
        ("10.0.0.1", False),
        ("localhost.example.com", False),
    ],
)
def test_loopback_hosts(host: str, *, loopback: bool) -> None:
    """Only addresses that other machines cannot reach are loopback addresses."""
    assert is_loopback(host) is loopback
