"""The names of tracking domains."""

import pytest

from hushpost_service.domain.errors import HushpostError, Reason
from hushpost_service.domain.tracking_domain_names import checked_domain

LONGEST = ".".join(("a" * 63, "b" * 63, "c" * 63, "d" * 51))


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("links.example.com", "links.example.com"),
        ("Links.EXAMPLE.com.", "links.example.com"),
        ("müller.example.com", "xn--mller-kva.example.com"),
        ("MÜLLER.example.com", "xn--mller-kva.example.com"),
        ("XN--MLLER-KVA.example.com", "xn--mller-kva.example.com"),
        ("links\u3002example\uff0ecom", "links.example.com"),
        ("exa\u00admple.com", "example.com"),
        ("bücher.香港", "xn--bcher-kva.xn--j6w193g"),
        ("a.b", "a.b"),
        (LONGEST, LONGEST),
    ],
)
def test_a_name_has_one_spelling(given: str, name: str) -> None:
    """Names are in lower case and in ASCII, without a dot at the end."""
    assert checked_domain(given) == name
    assert checked_domain(name) == name


@pytest.mark.parametrize(
    "given",
    [
        *("", ".", "com", "localhost", "a..b", "example.com..", ".example.com"),
        *("*.example.com", "example.com:443", "https://example.com", "example.com/x"),
        *("user@example.com", " example.com", "example.com\n", "a\x00.com", "a\ud800.com"),
        *("a_b.example.com", "-a.example.com", "a-.example.com", "ab--cd.example.com"),
        *("192.0.2.1", "[2001:db8::1]", "2001:db8::1", "1.2.3.0x4", "example.123"),
        *("xn--zzzzzz.example.com", "xn--.com", "\u202eexample.com"),
        *(f"{LONGEST}x", "a" * 64 + ".com", "é" * 60 + ".com", "a" * 1_000_000),
    ],
    ids=lambda given: ascii(given[:30]),
)
def test_what_is_no_dns_name_is_rejected(given: str) -> None:
    """IP addresses, ports, wildcards, URLs and malformed names are invalid."""
    with pytest.raises(HushpostError) as caught:
        checked_domain(given)
    assert caught.value.reason is Reason.DOMAIN_INVALID
