"""The names of tracking domains: one spelling per name. Pure."""

import re

import idna

from hushpost_service.domain.errors import HushpostError, Reason

__all__ = ["PROOF_LABEL", "checked_domain"]

PROOF_LABEL = "_hushpost"
"""The label, before a domain, of the TXT record that proves who controls the domain."""

_MAX_NAME = 253 - len(f"{PROOF_LABEL}.")
"""The name with the label must be a DNS name, too (RFC 1035, 2.3.4, without the last dot)."""

_LABEL = re.compile("[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_MIN_LABELS = 2


def checked_domain(text: str) -> str:
    """Return a name in lower case and in ASCII (IDNA 2008, mapped as in UTS 46).

    A dot at the end is removed. Raises DOMAIN_INVALID, also for what URLs take as an IP address
    because it ends in a number.
    """
    # The length is checked first: IDNA takes quadratic time.
    name = _ascii(text.removesuffix(".")) if len(text) <= _MAX_NAME + 1 else ""
    labels = name.split(".")
    is_valid = (
        len(name) <= _MAX_NAME
        and len(labels) >= _MIN_LABELS
        and all(map(_LABEL.fullmatch, labels))
        and not labels[-1].isdigit()
        and not labels[-1].startswith("0x")
    )
    if not is_valid:
        raise HushpostError(
            Reason.DOMAIN_INVALID,
            "domain must be a DNS name of at least two labels and at most "
            f"{_MAX_NAME} characters, such as links.example.com, without port and wildcard",
        )
    return name


def _ascii(name: str) -> str:
    """Return the A-labels of a name; empty if there are none."""
    try:
        return idna.encode(name, uts46=True, std3_rules=True).decode().lower()
    except (idna.IDNAError, UnicodeError):
        return ""
