"""Applies the missing revisions of the schema with Alembic."""

from typing import cast

import asyncpg
import structlog
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, text
from sqlalchemy.dialects.postgresql.asyncpg import AsyncAdapt_asyncpg_connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from hushpost_service.storage import revisions
from hushpost_service.storage.schema import (
    AppliedSchema,
    SchemaError,
    applied_schema,
    is_migrated,
    set_needed_revision,
)
from hushpost_service.storage.sql import schema as sql

__all__ = ["upgrade"]

_log = structlog.get_logger(__name__)

_LOCK = 0x4855_5348
"""Advisory lock that lets one process migrate at a time ("HUSH")."""

_LOCK_NOT_AVAILABLE = "55P03"


async def upgrade(dsn: str, aim: str, lock_seconds: float) -> AppliedSchema:
    """Apply all missing revisions up to one, in a transaction that holds an advisory lock.

    Returns the schema that the holder of the lock found.

    The lock ends with the transaction. A lock of the session would outlive this process behind
    a connection pooler, which keeps its sessions open.

    Raises:
        SchemaError: Another process has held the lock for too long, or has migrated the
            database to a schema that is too new for this release.
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
            return await connection.run_sync(_upgrade, aim, lock_seconds)
    except DBAPIError as error:
        # The driver's error, as the rest of the service raises it.
        raise (error.orig and error.orig.__cause__) or error from None
    finally:
        await engine.dispose()


def _upgrade(connection: Connection, aim: str, lock_seconds: float) -> AppliedSchema:
    _lock(connection, lock_seconds)
    driver = cast("AsyncAdapt_asyncpg_connection", connection.connection.dbapi_connection)
    applied: AppliedSchema = driver.run_async(applied_schema)
    if not is_migrated(applied, aim):
        config = Config()
        config.set_main_option("script_location", str(revisions.MIGRATIONS))
        config.attributes["connection"] = connection
        # Alembic uses the transaction that has begun.
        command.upgrade(config, aim)
        needed = revisions.needed_revision(aim)
        driver.run_async(lambda asynchronous: set_needed_revision(asynchronous, needed))
    connection.commit()
    return applied


def _lock(connection: Connection, seconds: float) -> None:
    """Begin a transaction that holds the migration lock. Raises SchemaError."""
    if connection.scalar(text(sql.TRY_LOCK_MIGRATION.format(lock=_LOCK))):
        return
    _log.info("waiting for another session to migrate the database")
    milliseconds = round(seconds * 1000)
    try:
        connection.execute(text(sql.SET_LOCK_TIMEOUT.format(milliseconds=milliseconds)))
        connection.execute(text(sql.LOCK_MIGRATION.format(lock=_LOCK)))
        connection.execute(text(sql.RESET_LOCK_TIMEOUT))
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) != _LOCK_NOT_AVAILABLE:
            raise
        connection.rollback()
        holder = connection.scalar(text(sql.MIGRATION_LOCK_HOLDER.format(lock=_LOCK)))
        raise SchemaError(
            f"another session (process id {holder} of the database server) has held the lock for "
            f"migrations for {seconds:g} seconds: if it migrates, start again when it is done; "
            "otherwise end it"
        ) from None
