"""Writes a URL in ASCII, as the header `Location` requires (RFC 9110, 10.2.2)."""

from urllib.parse import quote, urlsplit, urlunsplit

import idna

__all__ = ["ascii_url"]

# Everything that may stay: reserved and unreserved characters, and "%", because what is
# percent-encoded already must not be encoded again.
_SAFE = "%!#$&'()*+,/:;=?@[]~|{}^`\\"


def ascii_url(url: str) -> bytes:
    """Return a URL with an IDNA host (UTS 46) and percent-encoded UTF-8."""
    if url.isascii():
        return url.encode()
    parts = urlsplit(url)
    host = _ascii_host(parts.netloc)
    return quote(urlunsplit(parts._replace(netloc=host)), safe=_SAFE).encode()


def _ascii_host(netloc: str) -> str:
    """Return the network location of a URL with its host in ASCII."""
    if netloc.isascii():
        return netloc
    user, at, host_and_port = netloc.rpartition("@")
    host, colon, port = host_and_port.partition(":")
    try:
        encoded = idna.encode(host, uts46=True).decode()
    except idna.IDNAError:
        # Some browsers open it all the same.
        encoded = host
    return f"{user}{at}{encoded}{colon}{port}"
