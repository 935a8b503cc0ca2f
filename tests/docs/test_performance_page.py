"""The page of figures says how they are measured."""

import re
from pathlib import Path

from bench.registry import MEASUREMENTS

PAGE = Path(__file__).parents[2] / "docs/performance.md"


def test_the_page_names_figures_of_authorities_that_are_not_pinned() -> None:
    """Pinning makes single calls cheaper, so a reader who repeats a measurement must know."""
    page = PAGE.read_text("utf-8")
    sentence = re.search(r"The authority is pinned to one CPU [^.]*\.", " ".join(page.split()))
    assert sentence
    named = re.findall(r"`(\w+)`", sentence[0])
    unpinned = {name for each in MEASUREMENTS if not each.is_pinned for name in each.figures}
    sections = set(re.findall(r"^### (\w+)$", page, re.MULTILINE))
    assert set(named) == unpinned & sections
