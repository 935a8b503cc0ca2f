"""Brings the schema up to what this version of the service knows."""

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
    """The database has a schema that this version does not know."""


async def migrate(dsn: str) -> None:
    """Migrate the database to the newest schema.

    Raises SchemaError when its schema is newer than this version knows.
    """
    engine = create_async_engine(
        # The driver reads the address itself: SQLAlchemy knows fewer of its options.
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
    present = MigrationContext.configure(connection).get_current_revision()
    connection.commit()
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if present is not None and present not in known:
        message = (
            f"the database has schema revision {present}, which is newer than this version "
            f"of hushpost knows: install the version that migrated it, or a later one"
        )
        raise SchemaError(message)
    command.upgrade(config, "head")
