"""The measured figures that the README quotes from docs/performance.md."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FIGURES = re.findall(
    r"\*\*([\d.,]+)\s[^*]*\*\*[^*]*?\(`(\w+)`\)", (ROOT / "README.md").read_text("utf-8")
)


@pytest.mark.parametrize(("value", "name"), FIGURES)
def test_figures_match_the_performance_page(value: str, name: str) -> None:
    """A figure in the README is the one on the performance page, which is generated."""
    page = (ROOT / "docs/performance.md").read_text("utf-8")
    _, found, section = page.partition(f"\n### {name}\n")
    assert found
    section, _, _ = section.partition("\n### ")
    assert re.search(rf"(?<![\d.,]){re.escape(value)}(?![\d,])", section)


def test_the_readme_quotes_figures() -> None:
    """The pattern above finds the figures."""
    assert len(FIGURES) >= 3
