"""Migrates the database schema to the version that this release needs."""

from pathlib import Path

import asyncpg
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

__all__ = ["SchemaError", "migrate"]

_MIGRATION_LOCK = 0x4855_5348
"""Advisory lock that lets one process migrate at a time ("HUSH")."""


class SchemaError(Exception):
    """The schema of the database is newer than this release."""


async def migrate(dsn: str) -> None:
    """Migrate the database to the newest schema; do nothing if it is current.

    Raises SchemaError if the schema is newer than this release.
    """
    engine = create_async_engine(
        # asyncpg parses the address, because SQLAlchemy supports fewer of its options.
        "postgresql+asyncpg://",
        async_creator=lambda: asyncpg.connect(dsn),
        poolclass=NullPool,
    )
    try:
        async with engine.connect() as connection:
            await connection.run_sync(_upgrade)
    finally:
        await engine.dispose()


def _upgrade(connection: Connection) -> None:
    connection.execute(text(f"select pg_advisory_lock({_MIGRATION_LOCK})"))
    connection.commit()
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")))
    config.attributes["connection"] = connection
    current = MigrationContext.configure(connection).get_current_revision()
    connection.commit()
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if current is not None and current not in known:
        raise SchemaError(
            f"the database has schema revision {current}, which is newer than this release of "
            "hushpost: install the release that migrated it, or a later one"
        )
    command.upgrade(config, "head")
