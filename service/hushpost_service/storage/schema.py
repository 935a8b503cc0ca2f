"""Migrates the database schema to the version that this release needs."""

from pathlib import Path
from typing import NamedTuple

import asyncpg

from hushpost_service.storage.rights import check_rights
from hushpost_service.storage.sql import schema as sql

__all__ = [
    "Revisions",
    "SchemaError",
    "check_revision",
    "migrate",
    "require_newest",
    "schema_revision",
]

_LOCK_SECONDS = 60
"""How long to wait for another process that migrates."""

_REVISIONS = sorted(
    file.name.partition("_")[0]
    for file in Path(__file__).with_name("migrations").glob("versions/[0-9]*.py")
)
"""The revisions of this release, oldest first. The names of their files begin with them."""


class SchemaError(Exception):
    """The schema cannot be used or migrated: it is newer or older than this release, or locked."""


class Revisions(NamedTuple):
    """The revision of a schema before and after a migration; None before the first one."""

    before: str | None
    after: str


async def migrate(dsn: str, *, lock_seconds: float = _LOCK_SECONDS) -> Revisions:
    """Migrate the database to the newest schema; do nothing if it is current.

    Of several processes, one returns different revisions: the one that has migrated.

    Args:
        dsn: The address of the database.
        lock_seconds: How long to wait for another process that migrates.

    Raises:
        RightsError: The role lacks rights that it needs now or later.
        SchemaError: The schema is newer than this release, or another process has held
            the lock for too long.
    """
    revision = await _checked_revision(dsn, "hushpost migrate")
    if not check_revision(revision):
        # Alembic takes half a second to import, and most starts have nothing to migrate.
        from hushpost_service.storage.migration import upgrade  # noqa: PLC0415

        revision = await upgrade(dsn, lock_seconds)
    return Revisions(revision, _REVISIONS[-1])


async def require_newest(dsn: str) -> None:
    """Check that the database has the newest schema, without migrating it.

    Raises:
        RightsError: The role lacks rights that it needs now or later.
        SchemaError: The schema is older or newer than this release.
    """
    revision = await _checked_revision(dsn, "hushpost")
    if not check_revision(revision):
        found = "no schema yet" if revision is None else f"schema revision {revision}"
        raise SchemaError(
            f"the database has {found}, but this release needs revision {_REVISIONS[-1]}, and "
            "migrate is off: run `hushpost migrate` first"
        )


async def schema_revision(connection: "asyncpg.Connection[asyncpg.Record]") -> str | None:
    """Return the revision of the schema; None if nothing was ever migrated."""
    if not await connection.fetchval(sql.HAS_REVISION):
        return None
    revision: str = await connection.fetchval(sql.REVISION)
    return revision


def check_revision(revision: str | None) -> bool:
    """Return whether a revision is the newest. Raises SchemaError if it is unknown."""
    if revision is not None and revision not in _REVISIONS:
        raise SchemaError(
            f"the database has schema revision {revision}, which is newer than this release of "
            "hushpost: install the release that migrated it, or a later one"
        )
    return revision == _REVISIONS[-1]


async def _checked_revision(dsn: str, application_name: str) -> str | None:
    """Return the revision of the schema. Raises RightsError."""
    connection = await asyncpg.connect(dsn, server_settings={"application_name": application_name})
    try:
        await check_rights(connection)
        return await schema_revision(connection)
    finally:
        await connection.close()
