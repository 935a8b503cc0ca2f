"""The code on docs/how-to/go-client.md, which tests compile elsewhere."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/how-to/go-client.md").read_text("utf-8")
PARTS = [
    part
    for block in re.findall(r"^```go\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    for part in block.split("…\n")
]
"""The code of the page; "…" is where it leaves something out."""


def without_indents(code: str) -> str:
    """Return code in which no line is indented."""
    return "".join(f"{line.strip()}\n" for line in code.strip().splitlines())


SOURCES = [
    "\n" + without_indents(file.read_text("utf-8"))
    for folder in ("examples", "hushpost")
    for file in (ROOT / "clients/go" / folder).rglob("*.go")
]


@pytest.mark.parametrize("part", PARTS)
def test_code_is_quoted(part: str) -> None:
    """Each piece of code is in the Go client's example or tests, up to indentation."""
    assert any("\n" + without_indents(part) in source for source in SOURCES)


def test_the_page_has_code() -> None:
    """The pattern above finds the code."""
    assert len(PARTS) >= 3
