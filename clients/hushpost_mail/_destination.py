"""Where a link leads, and whether the authority can stand between."""

import re
from urllib.parse import quote, urlsplit, urlunsplit

from hushpost_mail._link_types import SkipReason

__all__ = ["has_placeholder", "listed_urls", "reason_to_leave", "same_place", "unbroken"]

_MAX_BYTES = 8192
"""Of a link's URL; the contract's bound (`Link.url`)."""

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")

# How the merge fields of common senders open. None of these can stand in a
# valid URL, except the percent-encoded braces, which are what editors make of
# braces in an href.
_PLACEHOLDER = re.compile(r"\{|%7B%7B|<[%?#$]|\*\||%%|\[\[|##|%recipient\.", re.IGNORECASE)

# URL standard, "basic URL parser": leading and trailing C0 control or space is
# removed, and so are tab and newline anywhere.
_EDGES = "".join(map(chr, range(0x21)))
_BREAKS = re.compile(r"[\t\n\r]")

# The authority refuses spaces; a browser writes them percent-encoded.
_SPACE = re.compile(r"\s")
_NEVER = re.compile("[\x00-\x1f\x7f-\x9f\ufffd\ud800-\udfff]")
_ANGLED = re.compile(r"<([^<>]*)>")


def unbroken(href: str) -> str:
    """Answer the URL that a browser makes of an attribute, as far as it must be changed."""
    return _SPACE.sub(lambda space: quote(space[0]), _BREAKS.sub("", href.strip(_EDGES)))


def has_placeholder(text: str) -> bool:
    """Answer whether another system's merge field opens in a text."""
    return bool(_PLACEHOLDER.search(text))


def reason_to_leave(url: str) -> SkipReason | None:
    """Answer why a URL can't be registered, None if it can."""
    if has_placeholder(url):
        return SkipReason.PLACEHOLDER
    scheme = _SCHEME.match(url)
    if scheme is None:
        return SkipReason.RELATIVE
    if scheme[0].lower() not in ("http:", "https:"):
        return SkipReason.OTHER_SCHEME
    return None if _is_registrable(url) else SkipReason.NOT_REGISTRABLE


def listed_urls(header: str) -> frozenset[str]:
    """Answer the URLs of a `List-Unsubscribe` header (RFC 2369), in one spelling each."""
    return frozenset(same_place("".join(found.split())) for found in _ANGLED.findall(header))


def same_place(url: str) -> str:
    """Answer one spelling for URLs that differ in the case of the host, an empty path or `#…`."""
    try:
        scheme, host, path, query, _fragment = urlsplit(url)
    except ValueError:
        return url
    return urlunsplit((scheme, host.lower(), path or "/", query, ""))


def _is_registrable(url: str) -> bool:
    if _NEVER.search(url) or len(url.encode()) > _MAX_BYTES:
        return False
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return False
    return bool(parts.hostname)
