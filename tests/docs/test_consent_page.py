"""The comparison on docs/consent.md: each row names a test of what Hushpost claims."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/consent.md").read_text("utf-8")
COMPARISON = PAGE.partition("\n## Comparison\n")[2]
ROWS = [
    [cell.strip() for cell in each.strip("|").split(" | ")]
    for each in COMPARISON.splitlines()
    if each.startswith("| ")
]
HEADER, CLAIMS = ROWS[0], ROWS[2:]


def test_the_systems_are_compared() -> None:
    """The table has a column for each system, and no row lacks a cell."""
    assert HEADER[1:] == [
        "Mapp Engage, 2022",
        "Mapp Engage, 2026",
        "Notifuse 43",
        "Kannon",
        "MailPoet",
        "Brevo",
        "listmonk",
        "Hushpost",
        "test",
    ]
    assert len(CLAIMS) > 15
    assert {len(row) for row in ROWS} == {len(HEADER)}


@pytest.mark.parametrize("row", CLAIMS, ids=lambda row: row[0])
def test_every_claim_has_a_test(row: list[str]) -> None:
    """The last cell of a row names an existing test."""
    named = re.fullmatch(r"`(tests/[\w/]+\.py)::(test_\w+)`", row[-1])
    assert named
    code = (ROOT / named[1]).read_text("utf-8")
    assert re.search(rf"^(?:async )?def {named[2]}\(", code, re.MULTILINE)


def test_every_source_is_cited_and_listed() -> None:
    """Each number in brackets is one of the sources, and each source is cited."""
    text, _, sources = PAGE.partition("\n### Sources\n")
    cited = {int(number) for number in re.findall(r"\[(\d+)\]", text)}
    listed = [int(number) for number in re.findall(r"^(\d+)\. ", sources, re.MULTILINE)]
    assert listed == sorted(cited)
