"""The command `hushpost admin-key`."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from hushpost_runtime.logging import configure_logging
from hushpost_service.admin.secret import new_secret, secret_hash
from hushpost_service.cli.invocation import DataDir, KeyringFile, run, settings_of
from hushpost_service.domain.roles import Role
from hushpost_service.startup import opened_database, opened_keyring
from hushpost_service.storage.api_keys import NewApiKey, insert_api_key
from hushpost_service.storage.connection import Connection

__all__ = ["register"]

_MAX_DAYS = 36_500


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("admin-key")(_admin_key)


def _admin_key(
    data_dir: DataDir = None,
    keyring: KeyringFile = None,
    name: Annotated[str, typer.Option(help="A human-readable name for the key.")] = "admin-key",
    expires_in_days: Annotated[
        int | None,
        typer.Option(
            min=1, max=_MAX_DAYS, help="Days until the key expires. Default: it never expires."
        ),
    ] = None,
) -> None:
    """Create an ADMIN key for the whole installation and print its secret.

    Writes to the database directly, whether or not the service is running.
    Access to the database is the only permission that it needs.
    """
    settings = settings_of(data_dir=data_dir, keyring=keyring)
    configure_logging("warning")
    secret = new_secret()
    key = NewApiKey(
        role=Role.ADMIN,
        display_name=name,
        create_actor="admin-key",
        expire_time=_days_from_now(expires_in_days),
    )

    async def create() -> None:
        async with opened_database(settings) as opened:
            await opened_keyring(settings, opened.database)

            async def work(connection: Connection) -> None:
                await insert_api_key(connection, key, secret_hash(secret))

            await opened.database.transact("admin key", work)

    run(create())
    typer.echo(secret)


def _days_from_now(days: int | None) -> datetime | None:
    return None if days is None else datetime.now(UTC) + timedelta(days=days)
