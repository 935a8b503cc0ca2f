"""Migrates the database schema to the version that this release needs."""

from dataclasses import dataclass
from typing import NamedTuple

import asyncpg

from hushpost_service.storage.revisions import known_revisions, target
from hushpost_service.storage.rights import check_rights
from hushpost_service.storage.sql import schema as sql

__all__ = [
    "AppliedSchema",
    "Revisions",
    "SchemaError",
    "applied_schema",
    "is_migrated",
    "migrate",
    "require_migrated",
    "set_needed_revision",
]

_LOCK_SECONDS = 60
"""How long to wait for another process that migrates."""


class SchemaError(Exception):
    """The schema cannot be used or migrated: it is too new or too old, or locked."""


class Revisions(NamedTuple):
    """The revision of a schema before and after a migration; None before the first one."""

    before: str | None
    after: str


@dataclass(frozen=True, slots=True)
class AppliedSchema:
    """What the database says about its schema.

    Attributes:
        revision: The newest revision that was applied; None if nothing was ever migrated.
        needed_revision: A release that knows this revision can use the schema, even if it is
            newer. None if it was migrated by a release that did not write it.
    """

    revision: str | None
    needed_revision: str | None = None

    @property
    def is_newer(self) -> bool:
        """Whether a later release has migrated the database."""
        return self.revision is not None and self.revision not in _known()


async def migrate(
    dsn: str, *, post_deploy: bool = False, lock_seconds: float = _LOCK_SECONDS
) -> Revisions:
    """Migrate the database to the schema of this release; do nothing if it is current.

    Of several processes, one returns different revisions: the one that has migrated.

    Args:
        dsn: The address of the database.
        post_deploy: Whether to apply the post-deploy revisions of this release too. No
            process of an earlier release may be running then.
        lock_seconds: How long to wait for another process that migrates.

    Raises:
        RightsError: The role lacks rights that it needs now or later.
        SchemaError: The schema is too new for this release, or another process has held
            the lock for too long.
    """
    applied = await _checked_schema(dsn, "hushpost migrate")
    aim = target(post_deploy=post_deploy)
    if not is_migrated(applied, aim):
        # Alembic takes half a second to import, and most starts have nothing to migrate.
        from hushpost_service.storage.migration import upgrade  # noqa: PLC0415

        applied = await upgrade(dsn, aim, lock_seconds)
    if applied.revision is None or not is_migrated(applied, aim):
        return Revisions(applied.revision, aim)
    return Revisions(applied.revision, applied.revision)


async def require_migrated(dsn: str) -> None:
    """Check that the database has the schema that this release needs, without migrating it.

    Raises:
        RightsError: The role lacks rights that it needs now or later.
        SchemaError: The schema is too old or too new for this release.
    """
    applied = await _checked_schema(dsn, "hushpost")
    if not is_migrated(applied):
        revision = applied.revision
        found = "no schema yet" if revision is None else f"schema revision {revision}"
        raise SchemaError(
            f"the database has {found}, but this release needs revision "
            f"{target(post_deploy=False)}, and migrate is off: run `hushpost migrate` first"
        )


async def applied_schema(connection: "asyncpg.Connection[asyncpg.Record]") -> AppliedSchema:
    """Return what the database says about its schema."""
    if not await connection.fetchval(sql.HAS_REVISION):
        return AppliedSchema(None)
    needed = None
    if await connection.fetchval(sql.HAS_NEEDED_REVISION):
        needed = await connection.fetchval(sql.NEEDED_REVISION)
    return AppliedSchema(await connection.fetchval(sql.REVISION), needed)


async def set_needed_revision(
    connection: "asyncpg.Connection[asyncpg.Record]", revision: str
) -> None:
    """Store the revision that a release must know to use the schema."""
    await connection.execute(sql.SET_NEEDED_REVISION, revision)


def is_migrated(applied: AppliedSchema, aim: str | None = None) -> bool:
    """Return whether a schema has all revisions that this release needs.

    Args:
        applied: The schema.
        aim: The number of the newest revision that is needed; None for that of a start.

    Raises:
        SchemaError: This release cannot use the schema, because it is too new.
    """
    if applied.is_newer and applied.needed_revision not in _known():
        raise SchemaError(
            f"the database has schema revision {applied.revision}, which is newer than this "
            "release of hushpost: install the release that migrated it, or a later one"
        )
    if applied.revision is None:
        return False
    return applied.is_newer or applied.revision >= (aim or target(post_deploy=False))


def _known() -> set[str]:
    return {revision.number for revision in known_revisions()}


async def _checked_schema(dsn: str, application_name: str) -> AppliedSchema:
    """Return what the database says about its schema. Raises RightsError."""
    connection = await asyncpg.connect(dsn, server_settings={"application_name": application_name})
    try:
        await check_rights(connection)
        return await applied_schema(connection)
    finally:
        await connection.close()
