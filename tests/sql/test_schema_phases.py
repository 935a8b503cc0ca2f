"""A start applies pre-deploy revisions; post-deploy revisions wait until they are asked for."""

from pathlib import Path

import pytest

from hushpost_service.storage.revisions import Phase, known_revisions, needed_revision, target
from hushpost_service.storage.schema import AppliedSchema, is_migrated, migrate
from tests.added_revision import AddRevision
from tests.inspection import on


@pytest.fixture
def add_revision(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AddRevision:
    """Adds revisions to a copy of those of this release."""
    return AddRevision(tmp_path, monkeypatch)


async def applied(uri: str) -> tuple[str, str]:
    """Return the revision of the schema, and the one that a release must know."""
    async with on(uri) as connection:
        return (
            await connection.fetchval("select version_num from alembic_version"),
            await connection.fetchval("select needed_revision from schema_compatibility"),
        )


async def test_a_post_deploy_revision_is_not_applied_at_the_start(
    empty_database: str, add_revision: AddRevision
) -> None:
    """It is applied only on request, and then excludes releases that do not know it."""
    first = known_revisions()[0].number
    added = add_revision(Phase.PRE_DEPLOY, "alter table tenants add column note text")
    removed = add_revision(Phase.POST_DEPLOY, "alter table tenants drop column note")
    await migrate(empty_database)
    assert await applied(empty_database) == (added, first)
    await migrate(empty_database, post_deploy=True)
    assert await applied(empty_database) == (removed, removed)


async def test_the_next_release_applies_what_the_last_one_left(
    empty_database: str, add_revision: AddRevision
) -> None:
    """A start applies post-deploy revisions that a later pre-deploy revision follows."""
    removed = add_revision(Phase.POST_DEPLOY, "alter table tenants drop column display_name")
    added = add_revision(Phase.PRE_DEPLOY, "alter table tenants add column title text")
    await migrate(empty_database)
    assert await applied(empty_database) == (added, removed)


def test_a_pending_post_deploy_revision_does_not_count_as_missing(
    add_revision: AddRevision,
) -> None:
    """Until it is applied, nothing needs to be migrated at the start."""
    current = known_revisions()[-1].number
    removed = add_revision(Phase.POST_DEPLOY, "")
    assert is_migrated(AppliedSchema(current))
    assert not is_migrated(AppliedSchema(current), target(post_deploy=True))
    assert is_migrated(AppliedSchema(removed), target(post_deploy=True))
    assert (needed_revision(current), needed_revision(removed)) == ("0001", removed)
