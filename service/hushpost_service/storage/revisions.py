"""The revisions of the schema that this release knows, and when each is applied.

A file of `migrations/versions` is named `<number>_<phase>_<name>.py`. A PRE_DEPLOY revision
adds to the schema, and earlier releases work on it: it is applied when the first process of a
release starts. A POST_DEPLOY revision removes what this release no longer uses: it is applied
once no process of an earlier release runs.
"""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

__all__ = ["MIGRATIONS", "Phase", "Revision", "known_revisions", "needed_revision", "target"]

MIGRATIONS = Path(__file__).with_name("migrations")
"""The folder of Alembic's scripts."""


class Phase(StrEnum):
    """When a revision is applied, relative to the start of the release that brings it."""

    PRE_DEPLOY = "pre"
    POST_DEPLOY = "post"


@dataclass(frozen=True, slots=True)
class Revision:
    """A revision; its number is Alembic's identifier."""

    number: str
    phase: Phase


def known_revisions() -> list[Revision]:
    """Return the revisions of this release, oldest first. Does not import Alembic."""
    names = sorted(file.stem for file in MIGRATIONS.glob("versions/[0-9]*.py"))
    return [
        Revision(number, Phase(phase))
        for number, phase, _ in (name.split("_", 2) for name in names)
    ]


def target(*, post_deploy: bool) -> str:
    """Return the number of the revision up to which the schema is migrated.

    Revisions are applied in order, so the start of a release also applies post-deploy
    revisions of earlier releases.

    Args:
        post_deploy: Whether to apply the post-deploy revisions of this release too.
    """
    return next(
        revision.number
        for revision in reversed(known_revisions())
        if post_deploy or revision.phase is Phase.PRE_DEPLOY
    )


def needed_revision(applied: str) -> str:
    """Return the revision that a release must know to use a schema.

    Args:
        applied: The newest revision of that schema, a known one.
    """
    revisions = [revision for revision in known_revisions() if revision.number <= applied]
    contracting = [each.number for each in revisions if each.phase is Phase.POST_DEPLOY]
    return contracting[-1] if contracting else revisions[0].number
