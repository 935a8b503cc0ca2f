"""Migrates the database schema to the version that this release needs."""

from pathlib import Path

import asyncpg
import structlog
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from hushpost_service.storage.rights import check_rights
from hushpost_service.storage.sql import schema as sql

__all__ = ["SchemaError", "migrate"]

_log = structlog.get_logger(__name__)

_MIGRATION_LOCK = 0x4855_5348
"""Advisory lock that lets one process migrate at a time ("HUSH")."""

_LOCK_NOT_AVAILABLE = "55P03"

_LOCK_SECONDS = 60
"""How long to wait for another process that migrates."""


class SchemaError(Exception):
    """The schema cannot be migrated: it is newer than this release, or it is locked."""


async def migrate(dsn: str, *, lock_seconds: float = _LOCK_SECONDS) -> None:
    """Migrate the database to the newest schema; do nothing if it is current.

    All missing revisions are applied in one transaction, which holds an advisory lock. The
    lock ends with the transaction. A lock of the session would outlive this process behind a
    connection pooler, which keeps its sessions open.

    Args:
        dsn: The address of the database.
        lock_seconds: How long to wait for another process that migrates.

    Raises:
        RightsError: The role lacks rights that it needs now or later.
        SchemaError: The schema is newer than this release, or another process has held
            the lock for too long.
    """
    engine = create_async_engine(
        # asyncpg parses the address, because SQLAlchemy supports fewer of its options.
        "postgresql+asyncpg://",
        async_creator=lambda: asyncpg.connect(
            dsn, server_settings={"application_name": "hushpost migrate"}
        ),
        poolclass=NullPool,
    )
    try:
        async with engine.connect() as connection:
            await connection.run_sync(_upgrade, lock_seconds)
    except DBAPIError as error:
        # The driver's error, as the rest of the service raises it.
        raise (error.orig and error.orig.__cause__) or error from None
    finally:
        await engine.dispose()


def _upgrade(connection: Connection, lock_seconds: float) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")))
    config.attributes["connection"] = connection
    check_rights(connection)
    if _is_current(connection, config):
        return
    connection.rollback()
    _lock(connection, lock_seconds)
    if not _is_current(connection, config):
        # Alembic uses the transaction that has begun.
        command.upgrade(config, "head")
    connection.commit()


def _is_current(connection: Connection, config: Config) -> bool:
    """Return whether the newest revision is applied. Raises SchemaError if it is unknown."""
    scripts = ScriptDirectory.from_config(config)
    current = MigrationContext.configure(connection).get_current_revision()
    if current is not None and current not in {it.revision for it in scripts.walk_revisions()}:
        raise SchemaError(
            f"the database has schema revision {current}, which is newer than this release of "
            "hushpost: install the release that migrated it, or a later one"
        )
    return current == scripts.get_current_head()


def _lock(connection: Connection, seconds: float) -> None:
    """Begin a transaction that holds the migration lock. Raises SchemaError."""
    if connection.scalar(text(sql.TRY_LOCK_MIGRATION.format(lock=_MIGRATION_LOCK))):
        return
    _log.info("waiting for another session to migrate the database")
    milliseconds = round(seconds * 1000)
    try:
        connection.execute(text(sql.SET_LOCK_TIMEOUT.format(milliseconds=milliseconds)))
        connection.execute(text(sql.LOCK_MIGRATION.format(lock=_MIGRATION_LOCK)))
        connection.execute(text(sql.RESET_LOCK_TIMEOUT))
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) != _LOCK_NOT_AVAILABLE:
            raise
        connection.rollback()
        holder = connection.scalar(text(sql.MIGRATION_LOCK_HOLDER.format(lock=_MIGRATION_LOCK)))
        raise SchemaError(
            f"another session (process id {holder} of the database server) has held the lock for "
            f"migrations for {seconds:g} seconds: if it migrates, start again when it is done; "
            "otherwise end it"
        ) from None
