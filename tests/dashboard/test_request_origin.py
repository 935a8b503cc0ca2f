"""Where a request comes from: headers of proxies are trusted from proxies only."""

import pytest
from starlette.requests import Request

from hushpost_dashboard.request_origin import RequestOrigin
from hushpost_runtime.address_ranges import AddressRanges

PROXY, STRANGER = "192.0.2.1", "198.51.100.7"
ORIGIN = RequestOrigin(AddressRanges([f"{PROXY}/32"]))


def request(peer: str, *headers: tuple[str, str]) -> Request:
    """Return a request of a peer."""
    raw = [(name.encode(), value.encode()) for name, value in headers]
    return Request({"type": "http", "client": (peer, 1), "headers": raw})


@pytest.mark.parametrize(
    ("peer", "value", "expected"),
    [
        (PROXY, "https", True),
        (PROXY, "HTTPS", True),
        (PROXY, "http", False),
        (PROXY, "", False),
        (STRANGER, "https", False),
    ],
)
def test_https_is_what_a_trusted_proxy_says(peer: str, value: str, expected: bool) -> None:  # noqa: FBT001 - expected value
    """A browser would ignore a Secure cookie that comes over HTTP."""
    assert ORIGIN.is_https(request(peer, ("x-forwarded-proto", value))) is expected


def test_the_client_is_who_the_last_trusted_proxy_saw() -> None:
    """Entries before it, and headers of strangers, can be forged."""
    header = ("x-forwarded-for", "203.0.113.9, 203.0.113.8")
    assert ORIGIN.network(request(PROXY, header)) == b"203.0.113.8"
    assert ORIGIN.network(request(STRANGER, header)) == STRANGER.encode()
    two = (header, ("x-forwarded-for", f"203.0.113.7, {PROXY}"))
    assert ORIGIN.network(request(PROXY, *two)) == b"203.0.113.7"
    assert len(ORIGIN.network(request(PROXY, ("x-forwarded-for", "x" * 5_000)))) == 64
