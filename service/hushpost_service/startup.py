"""Opens the database and the keyring, for the server and for the other commands."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

from hushpost_service.settings import Settings
from hushpost_service.storage.connection import Connection
from hushpost_service.storage.database import Database
from hushpost_service.storage.database_kind import DatabaseKind, database_kind, server_kind
from hushpost_service.storage.distribution import DistributionError, undistributed_tables
from hushpost_service.storage.embedded import EmbeddedDatabase
from hushpost_service.storage.keyring_keys import (
    application_name,
    insert_fingerprints,
    lock_fingerprints,
)
from hushpost_service.storage.schema import Revisions, migrate, require_migrated
from hushpost_service.tokens.keyring import Keyring, KeyringError

__all__ = [
    "OpenedDatabase",
    "migrated_database",
    "opened_database",
    "opened_keyring",
    "session_name",
]

_FIRST_KEY = 1
"""The key id of a new keyring."""


@dataclass(frozen=True, slots=True)
class OpenedDatabase:
    """A database with the newest schema.

    Attributes:
        database: The connection pool.
        embedded: The embedded server; None for an external one.
        dsn: The address of the database, for further pools. It may contain a password.
    """

    database: Database
    embedded: EmbeddedDatabase | None
    dsn: str = field(repr=False)


@asynccontextmanager
async def opened_database(
    settings: Settings, session_name: str = "hushpost"
) -> AsyncIterator[OpenedDatabase]:
    """Connect to the configured database, or start the embedded one, and migrate it.

    Raises:
        UnsuitableDatabaseError: The database cannot keep what the service promises, or gives no
            sessions.
        RightsError, SchemaError: It cannot be migrated, or it must be and `migrate` is off.
        DistributionError: It is distributed, but not all of its tables are.
    """
    async with AsyncExitStack() as stack:
        dsn, embedded = await stack.enter_async_context(_reachable_database(settings))
        kind = await database_kind(dsn)
        if settings.migrate:
            await migrate(dsn)
        else:
            await require_migrated(dsn)
        database = await Database.connect(
            dsn, connections=settings.connections, application_name=session_name, kind=kind
        )
        stack.push_async_callback(database.close)
        if kind is DatabaseKind.DISTRIBUTED:
            async with database.connection("check distribution") as connection:
                missing = await undistributed_tables(connection)
            if missing:
                raise DistributionError(
                    f"the tables {', '.join(missing)} are not distributed: "
                    "run 'hushpost distribute'"
                )
        yield OpenedDatabase(database, embedded, dsn)


@asynccontextmanager
async def opened_server(settings: Settings) -> AsyncIterator[Database]:
    """Connect to a server for work on its files; it may be a worker of a cluster.

    Raises as `opened_database` does if it is not a server of a cluster, and
    UnsuitableDatabaseError if it gives no session.
    """
    if settings.database_url is not None:
        dsn = settings.database_url.get_secret_value()
        kind = await server_kind(dsn)
        if kind is not DatabaseKind.SINGLE:
            database = await Database.connect(dsn, connections=settings.connections, kind=kind)
            try:
                yield database
            finally:
                await database.close()
            return
    async with opened_database(settings) as opened:
        yield opened.database


async def migrated_database(settings: Settings, *, post_deploy: bool) -> Revisions:
    """Migrate the configured database, even with `migrate` off; return its revisions.

    Args:
        settings: Where it is.
        post_deploy: Whether to apply the post-deploy revisions of this release too.

    Raises:
        UnsuitableDatabaseError: The database cannot keep what the service promises, or gives no
            sessions.
        RightsError, SchemaError: It cannot be migrated.
    """
    async with _reachable_database(settings) as (dsn, _):
        await database_kind(dsn)
        return await migrate(dsn, post_deploy=post_deploy)


@asynccontextmanager
async def _reachable_database(
    settings: Settings,
) -> AsyncIterator[tuple[str, EmbeddedDatabase | None]]:
    """Yield the address of the configured database, or start the embedded one for the block."""
    if settings.database_url is not None:
        yield settings.database_url.get_secret_value(), None
        return
    embedded = EmbeddedDatabase(settings.data_dir)
    try:
        yield await embedded.start(), embedded
    finally:
        await embedded.stop()


def session_name(settings: Settings) -> str:
    """Return the name of an authority's database sessions, which tells what keys it knows.

    Raises:
        KeyringError: The keyring is malformed or cannot be read.
    """
    path = settings.keyring_file
    return application_name(Keyring.load(path).highest if path.exists() else _FIRST_KEY)


async def opened_keyring(settings: Settings, database: Database) -> Keyring:
    """Load the keyring, compare it with the database, and register its new keys.

    If the database knows no key yet and the file is missing, creates the keyring. The file
    is written before the commit: a keyring that the database knows must not get lost. Of
    two first starts with different files, the second one waits for the lock, and fails
    without writing a file.

    Raises:
        KeyringError: The file is missing, malformed, or not that of the database.
    """
    path = settings.keyring_file

    async def work(connection: Connection) -> Keyring | KeyringError:
        registered = await lock_fingerprints(connection)
        try:
            if not registered and not path.exists():
                Keyring.generate().save(path)
            keyring = Keyring.load(path)
            keyring.check_registered(registered, path)
        except KeyringError as error:
            # Not raised here, because the database translates exceptions.
            return error
        new = keyring.fingerprints().items() - registered.items()
        await insert_fingerprints(connection, dict(new))
        return keyring

    result = await database.transact("register keys", work)
    if isinstance(result, KeyringError):
        raise result
    return result
