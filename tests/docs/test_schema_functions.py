"""The guide agrees with the migrations on what functions the schema has."""

import re
from pathlib import Path

from hushpost_service.storage.revisions import MIGRATIONS

PAGE = Path(__file__).parents[2] / "docs/how-to/run-the-authority.md"
NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


def test_the_guide_counts_the_functions_of_the_schema() -> None:
    """An installation may have to allow the language of each."""
    languages: dict[str, str] = {}
    for file in sorted((MIGRATIONS / "versions").glob("*.sql")):
        statements = file.read_text("utf-8")
        assert not re.search(r"^\s*drop function", statements, re.MULTILINE)
        languages |= dict(
            re.findall(
                r"^create (?:or replace )?function (\w+)\(.*?\blanguage (\w+)",
                statements,
                re.MULTILINE | re.DOTALL,
            )
        )
    assert set(languages.values()) <= {"sql", "plpgsql"}
    procedural = list(languages.values()).count("plpgsql")
    assert (
        f"{NUMBERS[len(languages)]} functions, {NUMBERS[procedural]} of them in PL/pgSQL"
        in PAGE.read_text("utf-8")
    )
