"""Texts to search for, from the parameters of addresses."""

__all__ = ["search_text"]

_MAX_BYTES = 256
"""The limit of the authority's filters."""


def search_text(text: str) -> str:
    """Return a text that the authority accepts as a filter: cut, and without what it rejects."""
    printable = "".join(each for each in text if each.isprintable()).strip()
    return printable.encode()[:_MAX_BYTES].decode(errors="ignore").strip()
