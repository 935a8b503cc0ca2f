"""The pages agree with the code on how many database connections an authority opens."""

import re
from pathlib import Path

import pytest

from hushpost_service.admin.auth import KEY_CONNECTIONS

DOCS = Path(__file__).parents[2] / "docs"
BEYOND = KEY_CONNECTIONS + 1
"""Connections beyond `--connections`: those for API keys, and the probe of the database."""

FIGURES = {
    "how-to/run-the-authority.md": (
        r"workers . \(connections \+ (\d+)\)",
        r"`--connections` connections per process and (\d+) more",
        r"`--connections` of all authorities and (\d+) more",
    ),
    "how-to/scale-out.md": (r"`--connections` of all authorities, plus (\d+) per authority",),
    "how-to/kubernetes.md": (r"opens `HUSHPOST_CONNECTIONS` and (\d+) more",),
}


@pytest.mark.parametrize("page", FIGURES)
def test_pages_say_how_many_connections_an_authority_opens(page: str) -> None:
    """A limit of the server or of a pooler that is too low would let calls fail under load."""
    text = " ".join((DOCS / page).read_text("utf-8").split())
    for pattern in FIGURES[page]:
        assert re.findall(pattern, text) == [str(BEYOND)], pattern
