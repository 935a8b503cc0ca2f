"""Opens the database and the keyring, for the server and for the other commands."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from hushpost_service.settings import Settings
from hushpost_service.storage.database import Database
from hushpost_service.storage.embedded import EmbeddedDatabase
from hushpost_service.storage.schema import migrate
from hushpost_service.storage.tenants import tenant_ids
from hushpost_service.tokens.keyring import Keyring

__all__ = ["OpenedDatabase", "opened_database", "opened_keyring"]


@dataclass(frozen=True, slots=True)
class OpenedDatabase:
    """A migrated database.

    Attributes:
        database: The connection pool.
        embedded: The embedded server; None for an external one.
        has_tenants: Whether the installation is in use.
    """

    database: Database
    embedded: EmbeddedDatabase | None
    has_tenants: bool


@asynccontextmanager
async def opened_database(settings: Settings) -> AsyncIterator[OpenedDatabase]:
    """Connect to the configured database, or start the embedded one, and migrate it."""
    embedded = None
    async with AsyncExitStack() as stack:
        if settings.database_url is None:
            embedded = EmbeddedDatabase(settings.data_dir)
            stack.push_async_callback(embedded.stop)
            dsn = await embedded.start()
        else:
            dsn = settings.database_url.get_secret_value()
        await migrate(dsn)
        database = await Database.connect(dsn, connections=settings.connections)
        stack.push_async_callback(database.close)
        async with database.connection("read tenants") as connection:
            has_tenants = bool(await tenant_ids(connection))
        yield OpenedDatabase(database, embedded, has_tenants)


def opened_keyring(settings: Settings, *, may_create: bool) -> Keyring:
    """Load the keyring, or create it if it is missing and `may_create` is true.

    Pass `may_create` only for a database without tenants: a new keyring would invalidate
    all tokens issued before.

    Raises:
        KeyringError: The file is missing or malformed.
    """
    path = settings.keyring_file
    if may_create and not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        Keyring.generate().save(path)
    return Keyring.load(path)
