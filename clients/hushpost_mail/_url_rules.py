"""Decides which URLs can be tracked, and normalizes URLs as a browser does."""

import re
from urllib.parse import quote, urlsplit, urlunsplit

from hushpost_mail._links import SkipReason
from hushpost_mail._placeholders import has_placeholder

__all__ = [
    "browser_url",
    "comparable_url",
    "list_unsubscribe_urls",
    "skip_reason",
]

_MAX_URL_BYTES = 8192
"""The limit of `Link.url` in the protocol."""

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")

# URL Standard, "basic URL parser": browsers strip leading and trailing C0 control or
# space characters, and remove tabs and newlines anywhere.
_C0_CONTROL_OR_SPACE = "".join(map(chr, range(0x21)))
_TAB_OR_NEWLINE = re.compile(r"[\t\n\r]")

# The authority rejects spaces; browsers percent-encode them.
_SPACE = re.compile(r"\s")
_FORBIDDEN = re.compile("[\x00-\x1f\x7f-\x9f\ufffd\ud800-\udfff]")
_ANGLE_BRACKETED = re.compile(r"<([^<>]*)>")


def browser_url(href: str) -> str:
    """Normalize an href as a browser does, as far as the authority requires it."""
    stripped = _TAB_OR_NEWLINE.sub("", href.strip(_C0_CONTROL_OR_SPACE))
    return _SPACE.sub(lambda space: quote(space[0]), stripped)


def skip_reason(url: str) -> SkipReason | None:
    """Return why a URL cannot be tracked, or None if it can."""
    if has_placeholder(url):
        return SkipReason.PLACEHOLDER
    scheme = _SCHEME.match(url)
    if scheme is None:
        return SkipReason.RELATIVE
    if scheme[0].lower() not in ("http:", "https:"):
        return SkipReason.OTHER_SCHEME
    return None if _is_registrable(url) else SkipReason.NOT_REGISTRABLE


def list_unsubscribe_urls(header: str) -> frozenset[str]:
    """Return the URLs of a `List-Unsubscribe` header (RFC 2369), each as a `comparable_url`."""
    urls = ("".join(found.split()) for found in _ANGLE_BRACKETED.findall(header))
    return frozenset(map(comparable_url, urls))


def comparable_url(url: str) -> str:
    """Normalize the case of the host and an empty path, and remove the fragment."""
    try:
        scheme, host, path, query, _fragment = urlsplit(url)
    except ValueError:
        return url
    return urlunsplit((scheme, host.lower(), path or "/", query, ""))


def _is_registrable(url: str) -> bool:
    """Check what the authority checks, except for the scheme."""
    if _FORBIDDEN.search(url) or len(url.encode()) > _MAX_URL_BYTES:
        return False
    try:
        parts = urlsplit(url)
        _ = parts.port  # raises ValueError if it is invalid
    except ValueError:
        return False
    return bool(parts.hostname)
