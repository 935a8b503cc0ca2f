"""Migrates the database schema to the version that this release needs."""

from pathlib import Path

import asyncpg

from hushpost_service.storage.rights import check_rights
from hushpost_service.storage.sql import schema as sql

__all__ = ["SchemaError", "check_revision", "migrate", "schema_revision"]

_LOCK_SECONDS = 60
"""How long to wait for another process that migrates."""

_REVISIONS = sorted(
    file.name.partition("_")[0]
    for file in Path(__file__).with_name("migrations").glob("versions/[0-9]*.py")
)
"""The revisions of this release, oldest first. The names of their files begin with them."""


class SchemaError(Exception):
    """The schema cannot be migrated: it is newer than this release, or it is locked."""


async def migrate(dsn: str, *, lock_seconds: float = _LOCK_SECONDS) -> None:
    """Migrate the database to the newest schema; do nothing if it is current.

    Args:
        dsn: The address of the database.
        lock_seconds: How long to wait for another process that migrates.

    Raises:
        RightsError: The role lacks rights that it needs now or later.
        SchemaError: The schema is newer than this release, or another process has held
            the lock for too long.
    """
    connection = await asyncpg.connect(
        dsn, server_settings={"application_name": "hushpost migrate"}
    )
    try:
        await check_rights(connection)
        revision = await schema_revision(connection)
    finally:
        await connection.close()
    if not check_revision(revision):
        # Alembic takes half a second to import, and most starts have nothing to migrate.
        from hushpost_service.storage.migration import upgrade  # noqa: PLC0415

        await upgrade(dsn, lock_seconds)


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
