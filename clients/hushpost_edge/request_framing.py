"""Recognizes requests that servers in a chain could read differently (request smuggling)."""

from collections.abc import Mapping
from typing import Any

__all__ = ["is_ambiguous"]

_BODYLESS = frozenset(("GET", "HEAD"))


def is_ambiguous(scope: Mapping[str, Any]) -> bool:
    """Return whether a request must be refused.

    That is the case with several Host headers, with none in HTTP/1.1 (RFC 9112, 3.2), and if a
    GET or HEAD request has a body of unknown length. The HTTP server has removed a
    Content-Length that came with a Transfer-Encoding (RFC 9112, 6.1), so both at once cannot
    be told from the latter.
    """
    hosts = 0
    is_chunked = False
    for name, value in scope["headers"]:
        if name == b"host":
            # Granian inserts an empty one if there is none.
            hosts += 1 if value or scope["http_version"] != "1.1" else 2
        elif name == b"transfer-encoding":
            is_chunked = True
    return hosts > 1 or (is_chunked and scope["method"] in _BODYLESS)
