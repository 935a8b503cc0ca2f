"""Revisions that are applied before a deployment leave alone what the running release uses."""

from pathlib import Path

import pytest

from hushpost_service.storage import revisions
from hushpost_service.storage.revisions import Phase, known_revisions

from .contractions import contractions
from .previous_version import HistoryError, file_names, newest_release

VERSIONS = "service/hushpost_service/storage/migrations/versions"
FILES = sorted((revisions.MIGRATIONS / "versions").glob("[0-9]*.py"))


def test_each_revision_has_a_phase() -> None:
    """A file is named <four digits>_<pre or post>_<name>, and has a script of the same name."""
    assert [f"{each.number}_{each.phase}" for each in known_revisions()] == [
        "_".join(file.stem.split("_")[:2]) for file in FILES
    ]
    assert all(file.stem[:4].isdigit() and file.stem[4] == "_" for file in FILES)
    assert all(file.with_suffix(".sql").exists() for file in FILES)


@pytest.mark.parametrize("file", FILES, ids=[file.stem for file in FILES])
def test_a_revision_changes_the_schema_only_with_its_script(file: Path) -> None:
    """There are no operations of Alembic, which the next test would not see."""
    content = file.read_text("utf-8")
    assert "run_script(__file__)" in content
    assert "alembic" not in content


@pytest.mark.parametrize("file", FILES, ids=[file.stem for file in FILES])
def test_a_pre_deploy_revision_only_adds(file: Path) -> None:
    """It drops, renames and restricts nothing that an earlier release could use."""
    if file.stem.split("_")[1] == Phase.PRE_DEPLOY:
        assert contractions(file.with_suffix(".sql").read_text("utf-8")) == []


def test_pre_deploy_revisions_of_a_release_come_first() -> None:
    """The start of a release never has to apply its own post-deploy revisions."""
    try:
        release = newest_release()
        released = file_names(release, VERSIONS) if release else set()
    except HistoryError as error:
        pytest.skip(f"the revisions of the newest release are unknown: {error}")
    phases = [Phase(file.stem.split("_")[1]) for file in FILES if file.name not in released]
    assert phases == sorted(phases, key=[*Phase].index)


@pytest.mark.parametrize(
    "statement",
    [
        "drop table links",
        "alter table links drop column label",
        "alter table links alter label drop default",
        "alter table links rename label to title",
        "ALTER TABLE links\n  ALTER COLUMN label TYPE bytea",
        "alter table links alter label set not null",
        "alter table links add column title text, add note text not null",
        "alter table links add constraint short check (length(label) < 9)",
        "alter table links add unique (label)",
        "create unique index concurrently on links (label)",
        "truncate links",
        "delete from links",
        "revoke all on links from public",
        "create table labels (label text); alter table links drop column label",
    ],
)
def test_contractions_are_found(statement: str) -> None:
    """Each statement breaks reads or writes of a release that does not know it."""
    assert len(contractions(f"select 1; {statement};")) == 1


@pytest.mark.parametrize(
    "statement",
    [
        "create table labels (label text not null)",
        "create table labels (label text); alter table labels add primary key (label)",
        "create table labels (label text); create unique index on labels (label)",
        "create index on links (label)",
        "alter table links add column title text, add note text not null default ''",
        "alter table links alter label drop not null",
        "alter table links alter label set default 'rename, drop table'",
        "-- We no longer drop table links;\nselect 1",
        "create function f() returns void language sql as $$ delete from links $$",
    ],
)
def test_additions_are_not_reported(statement: str) -> None:
    """Each statement leaves an earlier release as it was."""
    assert contractions(statement) == []
