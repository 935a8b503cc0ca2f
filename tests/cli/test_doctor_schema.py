"""What `hushpost doctor --database` says of post-deploy migrations, on a real database."""

from pathlib import Path

import pytest

from hushpost_runtime.findings import Finding, Level, Runbook
from hushpost_service.cli.diagnosis import diagnose
from hushpost_service.storage.revisions import Phase
from hushpost_service.storage.schema import migrate
from tests.added_revision import AddRevision
from tests.conftest import RunningAuthority
from tests.sql.conftest import new_database


async def test_a_pending_post_deploy_migration(
    authority: RunningAuthority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is a warning with its runbook, and gone after `hushpost migrate --post-deploy`."""
    removed = AddRevision(tmp_path, monkeypatch)(
        Phase.POST_DEPLOY, "alter table tenants drop column display_name"
    )
    async with new_database(authority) as uri:
        monkeypatch.setenv("HUSHPOST_DATABASE_URL", uri)
        await migrate(uri)
        before = await diagnose(tmp_path, None)
        await migrate(uri, post_deploy=True)
        after = await diagnose(tmp_path, None)

    (pending,) = about_migrations(before)
    assert (pending.level, pending.runbook) == (Level.WARNING, Runbook.PENDING_POST_DEPLOY)
    assert removed in pending.text
    assert "hushpost migrate --post-deploy" in pending.advice
    assert "waiting work" in {finding.part for finding in before}, "the other checks go on"
    assert [finding.level for finding in about_migrations(after)] == [Level.OK]


def about_migrations(findings: list[Finding]) -> list[Finding]:
    """Return the findings about post-deploy migrations."""
    return [finding for finding in findings if "post-deploy" in finding.text.lower()]
