"""The statements of docs/how-to/scale-out.md, so that tests run what the page shows."""

import re
from pathlib import Path

__all__ = ["statement"]

_PAGE = Path(__file__).parents[2] / "docs/how-to/scale-out.md"


def statement(beginning: str) -> str:
    """Return the only statement of the page that begins with some words."""
    (found,) = re.findall(
        rf"^ {{8}}({re.escape(beginning)}[^;]*);$", _PAGE.read_text("utf-8"), re.MULTILINE
    )
    return str(found)
