"""The command `hushpost migrate`."""

from typing import Annotated

import typer

from hushpost_runtime.logging import configure_logging
from hushpost_service.cli.invocation import DataDir, run, settings_of
from hushpost_service.startup import migrated_database
from hushpost_service.storage.schema import Revisions

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("migrate")(_migrate)


def _migrate(
    data_dir: DataDir = None,
    *,
    post_deploy: Annotated[
        bool,
        typer.Option(
            "--post-deploy",
            help="Also remove what only earlier releases use. None of their processes may be running.",
        ),
    ] = False,
) -> None:
    """Migrate the schema of the database to this release, and exit.

    Does nothing if the schema is current. With HUSHPOST_MIGRATE=false, other
    commands leave the schema to this one. Waits at most a minute for another
    process that migrates.
    """
    settings = settings_of(data_dir=data_dir)
    configure_logging("info")

    async def migrate() -> None:
        typer.echo(_described(await migrated_database(settings, post_deploy=post_deploy)))

    run(migrate())


def _described(revisions: Revisions) -> str:
    if revisions.before == revisions.after:
        return f"schema revision {revisions.after}: nothing to migrate"
    return f"migrated the schema from revision {revisions.before or 'none'} to {revisions.after}"
