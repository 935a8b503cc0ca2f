"""The command `hushpost distribute`."""

from typing import Annotated

import typer

from hushpost_runtime.logging import configure_logging
from hushpost_service.cli.invocation import fail, run, settings_of
from hushpost_service.storage.database_kind import database_kind
from hushpost_service.storage.distribution import distribute
from hushpost_service.storage.schema import migrate

__all__ = ["register"]

_SHARDS = 32


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("distribute")(_distribute)


def _distribute(
    shards: Annotated[
        int,
        typer.Option(
            min=1, max=1024, help="Over how many shards tenants are spread; fixed from then on."
        ),
    ] = _SHARDS,
) -> None:
    """Distribute the database by tenant, over the workers of a Citus cluster.

    HUSHPOST_DATABASE_URL is the address of the coordinator. Migrates the schema
    first. Run it while no authority is running, and again after an upgrade that
    added tables, when workers were added, or when shards have moved: what is
    distributed already stays.
    """
    settings = settings_of()
    configure_logging("error")
    if settings.database_url is None:
        fail("HUSHPOST_DATABASE_URL is not set: an embedded database cannot be distributed", code=2)
    dsn = settings.database_url.get_secret_value()

    async def work() -> None:
        await database_kind(dsn)
        await migrate(dsn)
        tables = await distribute(dsn, shards)
        typer.echo(f"distributed: {len(tables)} tables")

    run(work())
