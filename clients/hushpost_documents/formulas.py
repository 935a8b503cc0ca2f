"""Keeps spreadsheets from evaluating cells as formulas (CWE-1236).

A spreadsheet evaluates a cell that starts with one of a few characters. An apostrophe in front
of the character makes the cell text, as OWASP recommends ("CSV Injection"). A spreadsheet that
splits the file at another delimiter than ours would find cells within our cells, so the same
applies after every delimiter and quote.
"""

import re

__all__ = ["guard", "unguard"]

# Excel also evaluates the full-width forms.
_FORMULA = "=+\\-@\t\r\n\uff1d\uff0b\uff0d\uff20"
_CELL_START = '(^|[,;|"\t\r\n])'
# An apostrophe is guarded too, so that `unguard` restores every text.
_UNGUARDED = re.compile(f"{_CELL_START}(?=[{_FORMULA}'])")
_GUARDED = re.compile(f"{_CELL_START}'(?=[{_FORMULA}'])")


def guard(text: str) -> str:
    """Return the text as a cell that no spreadsheet evaluates."""
    return _UNGUARDED.sub(r"\1'", text)


def unguard(cell: str) -> str:
    """Return the text of a cell that `guard` may have changed."""
    # Much faster than the expression, for the millions of cells without an apostrophe.
    return _GUARDED.sub(r"\1", cell) if "'" in cell else cell
