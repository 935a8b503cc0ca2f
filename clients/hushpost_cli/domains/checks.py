"""Checks from this machine whether a tracking domain leads to an edge."""

import socket
import ssl
import time
from collections.abc import Iterator
from http.client import HTTPException, HTTPSConnection, responses

from hushpost_client import TrackingDomain
from hushpost_runtime.findings import Finding, Level, problem, warning, works

__all__ = ["check_addresses", "check_edge", "edge_host", "reachability"]

_DNS, _HTTPS = "DNS", "HTTPS"
_PORT = 443
_SECONDS = 30.0
"""A reverse proxy that requests the certificate on demand takes some seconds."""

_TRIES = 3
_PAUSE_SECONDS = 2.0
"""Edges learn of a domain within a second of the first request for it."""

_PIXEL_PATH = "/o/check.gif"
"""An edge returns a pixel for every path, and records none without a token."""

_PIXEL_BYTES = 43
_PROXY_ADVICE = "See the log of the reverse proxy, and docs/how-to/tracking-domains.md."


def reachability(domain: TrackingDomain) -> Iterator[Finding]:
    """Check a domain: its DNS records, and if it is verified, that an edge responds."""
    addresses = check_addresses(domain)
    yield addresses
    if domain.verify_time is not None and addresses.level is not Level.PROBLEM:
        yield check_edge(domain.domain)


def edge_host(domain: TrackingDomain) -> str | None:
    """Return the host that the domain's CNAME record must name; None if it is not known."""
    records = domain.dns_records
    return next((record.value for record in records if record.type == "CNAME"), None)


def check_addresses(domain: TrackingDomain) -> Finding:
    """Check that the domain has addresses of the edges."""
    name, host = domain.domain, edge_host(domain)
    record = f"{name} CNAME {host}" if host else f"{name} CNAME, with the host of the edges"
    found = _addresses(name)
    if not found:
        return problem(_DNS, f"{name} does not resolve.", f"Create the record {record}.")
    text = f"{name} resolves to {', '.join(sorted(found))}"
    expected = _addresses(host) if host else found
    if not expected:
        advice = "Correct --edge-host of hushpost serve."
        return warning(_DNS, f"{text}, but the host of the edges, {host}, to nothing.", advice)
    if found & expected:
        return works(_DNS, f"{text}{', as the edges do' if host else ''}.")
    text = f"{text}, and the edges, {host}, to {', '.join(sorted(expected))}."
    return warning(_DNS, text, f"Create the record {record}, unless a CDN is in between.")


def check_edge(name: str) -> Finding:
    """Check that an edge responds to HTTPS, with a valid certificate."""
    for attempt in range(1, _TRIES + 1):
        finding, may_change = _try_edge(name)
        if not may_change or attempt == _TRIES:
            break
        time.sleep(_PAUSE_SECONDS)
    return finding


def _try_edge(name: str) -> tuple[Finding, bool]:
    """Request a pixel; return the finding, and whether it may be another one soon."""
    connection = HTTPSConnection(
        name, _PORT, timeout=_SECONDS, context=ssl.create_default_context()
    )
    try:
        connection.request("GET", _PIXEL_PATH)
        response = connection.getresponse()
        is_pixel = response.headers.get_content_type() == "image/gif"
        size = len(response.read(_PIXEL_BYTES + 1))
    except ssl.SSLCertVerificationError as error:
        text = f"The certificate of {name} is not valid: {error.verify_message}."
        return problem(_HTTPS, text, _PROXY_ADVICE), False
    except ssl.SSLError as error:
        text = f"There is no certificate for {name}: {error.reason or error}."
        advice = (
            f"Let the reverse proxy ask the edge, `hushpost edge --ask-listen`. {_PROXY_ADVICE}"
        )
        return problem(_HTTPS, text, advice), True
    except (OSError, HTTPException) as error:
        text = f"https://{name} can't be reached: {error}."
        advice = "Check that the reverse proxy listens on port 443, and firewalls in between."
        return problem(_HTTPS, text, advice), False
    finally:
        connection.close()
    if response.status == 200 and is_pixel and size == _PIXEL_BYTES:  # noqa: PLR2004 - OK
        return works(
            _HTTPS, f"An edge responds to https://{name}, with a valid certificate."
        ), False
    status = f"{response.status} {responses.get(response.status, '')}".strip()
    text = f"https://{name} responds, but not as an edge: {status} to {_PIXEL_PATH}."
    return problem(_HTTPS, text, f"Pass /o/*, /c/* and /p/* on to the edge. {_PROXY_ADVICE}"), False


def _addresses(name: str) -> set[str]:
    try:
        found = socket.getaddrinfo(name, _PORT, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return set()
    return {str(address[0]) for *_, address in found}
