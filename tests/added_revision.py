"""Adds revisions of the schema to those of this release."""

import shutil
from pathlib import Path

import pytest

from hushpost_service.storage import revisions
from hushpost_service.storage.revisions import Phase, known_revisions

__all__ = ["AddRevision"]

_SCRIPT = """
from hushpost_service.storage.migrations import run_script
revision, down_revision = "{number}", "{previous}"
branch_labels = depends_on = None
def upgrade(): run_script(__file__)
"""


class AddRevision:
    """Writes the two files of a revision, whose number is one higher than the last."""

    def __init__(self, parent: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Let the process use a copy of the revisions of this release, in a new folder."""
        copy = parent / "migrations"
        shutil.copytree(revisions.MIGRATIONS, copy)
        monkeypatch.setattr(revisions, "MIGRATIONS", copy)
        self._folder = copy / "versions"

    def __call__(self, phase: Phase, sql: str) -> str:
        """Add a revision and return its number."""
        previous = known_revisions()[-1].number
        number = f"{int(previous) + 1:04}"
        file = self._folder / f"{number}_{phase}_example.py"
        file.write_text(_SCRIPT.format(number=number, previous=previous))
        file.with_suffix(".sql").write_text(sql)
        return number
