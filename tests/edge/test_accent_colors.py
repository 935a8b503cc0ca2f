"""Every color of a sender is readable in both themes."""

import re

from hypothesis import given
from hypothesis import strategies as st

from hushpost_edge.accent_colors import accent_style, contrast
from hushpost_edge.page_templates import _TEMPLATES

colors = st.integers(0, 0xFFFFFF).map(lambda number: f"#{number:06x}")
STYLE = (_TEMPLATES / "style.css").read_text("utf-8")


def values(style: str, name: str) -> list[str]:
    """Return the values of a custom property: in the light theme, then in the dark one."""
    return re.findall(rf"--{name}: (#[0-9a-f]{{6}});", style)


def test_contrast_is_that_of_wcag() -> None:
    """Known ratios of WCAG's definition."""
    assert round(contrast("#000000", "#ffffff"), 2) == 21
    assert round(contrast("#777777", "#ffffff"), 2) == 4.48
    assert contrast("#123456", "#123456") == 1


@given(colors)
def test_every_color_becomes_readable(color: str) -> None:
    """At least 4.5:1 for links on each background, and for text on buttons, in both themes."""
    style = accent_style(color)
    accents, texts = values(style, "accent"), values(style, "on-accent")
    for theme in (0, 1):
        assert contrast(accents[theme], texts[theme]) >= 4.5
        for back in ("back", "card", "notice"):
            assert contrast(accents[theme], values(STYLE, back)[theme]) >= 4.5


def test_a_readable_color_is_kept() -> None:
    """Only what would be hard to read is changed."""
    assert values(accent_style("#0B57A4"), "accent")[0] == "#0b57a4"
    assert values(accent_style("#8cc0f5"), "accent")[1] == "#8cc0f5"


def test_the_default_colors_are_readable() -> None:
    """The stylesheet's own accent fulfils the same rule."""
    for theme, accent in enumerate(values(STYLE, "accent")):
        for back in ("back", "card", "notice", "on-accent"):
            assert contrast(accent, values(STYLE, back)[theme]) >= 4.5
