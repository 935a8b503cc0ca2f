"""SQL scripts are split into statements."""

import pytest

from hushpost_service.storage.revisions import MIGRATIONS
from hushpost_service.storage.sql_script import statements


@pytest.mark.parametrize(
    "statement",
    [
        "select 'a;b', 'it''s; one'",
        'select 1 as "a;b"',
        "select 1 -- a; b\n+ 2",
        "select 1 /* a;\nb; */ + 2",
        "create function f() returns int language plpgsql as $$ begin; return 'a'; end; $$",
        "do $body$ begin perform $$a;b$$; end; $body$",
    ],
)
def test_semicolons_that_end_no_statement(statement: str) -> None:
    """In strings, names, comments and functions."""
    assert statements(f"{statement};\nselect 2") == [statement, "select 2"]


def test_a_comment_belongs_to_the_statement_that_follows() -> None:
    """A semicolon at the end of the script adds no statement."""
    assert statements("-- one\nselect 1;\n\n-- two\nselect 2;\n") == [
        "-- one\nselect 1",
        "-- two\nselect 2",
    ]


def test_nothing_of_a_revision_is_lost() -> None:
    """The statements of each script are all of its text."""
    scripts = [path.read_text("utf-8") for path in (MIGRATIONS / "versions").glob("*.sql")]
    assert scripts
    for script in scripts:
        joined = "".join("".join(statements(script)).split())
        assert len(statements(script)) > 0
        assert joined.replace(";", "") == "".join(script.split()).replace(";", "")
