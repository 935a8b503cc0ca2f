"""Reads the headers with which a client says what it accepts (RFC 9110, 12.5)."""

__all__ = ["accepted", "accepts_html"]

_MAX_CHARACTERS = 500
_HTML = frozenset(("text/html", "text/*", "*/*"))


def accepted(header: str) -> list[str]:
    """Return the acceptable values of a header in lower case, the preferred ones first."""
    values = []
    for item in header[:_MAX_CHARACTERS].split(","):
        value, _, parameter = item.partition(";")
        quality = _quality(parameter)
        if quality > 0:
            values.append((quality, value.strip().lower()))
    values.sort(key=lambda found: -found[0])  # stable: in the given order if they are equal
    return [value for _, value in values]


def accepts_html(header: str) -> bool:
    """Return whether an Accept header allows HTML; a missing one does."""
    return not header.strip() or not _HTML.isdisjoint(accepted(header))


def _quality(parameter: str) -> float:
    name, _, value = parameter.strip().partition("=")
    if name.strip().lower() != "q":
        return 1.0
    try:
        return min(float(value), 1.0)
    except ValueError:
        return 0.0
