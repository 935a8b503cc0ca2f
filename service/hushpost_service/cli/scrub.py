"""The command `hushpost scrub`."""

import typer
from rich.console import Console
from rich.filesize import decimal
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from hushpost_runtime.logging import configure_logging
from hushpost_service.cli.invocation import DataDir, require_database, run, settings_of
from hushpost_service.maintenance.scrub import Scrubber
from hushpost_service.startup import opened_server

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("scrub")(_scrub)


def _scrub(data_dir: DataDir = None) -> None:
    """Remove anonymized events and erased contacts from the files of the database.

    PostgreSQL keeps deleted rows in the files of tables, indexes and WAL until
    it overwrites them. This command rewrites the tables one at a time and
    removes old WAL files. A running service continues; recording waits while
    its table is being rewritten, about two seconds per million events in a
    measurement (docs/performance/scale.md). Backups, WAL archives and replicas
    are not changed. Of a cluster it scrubs the server that HUSHPOST_DATABASE_URL
    names: run it for each.
    """
    settings = settings_of(data_dir=data_dir)
    require_database(settings)
    configure_logging("error")

    async def scrub() -> None:
        async with opened_server(settings) as database:
            await _scrubbed(Scrubber(database))

    run(scrub())


async def _scrubbed(scrubber: Scrubber) -> None:
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task("waiting for transactions to end", total=None)
        tables = await scrubber.prepare()
        total = sum(table.bytes for table in tables)
        progress.update(bar, total=total)
        for table in tables:
            progress.update(bar, description=f"{table.name}, {decimal(table.bytes)}")
            await scrubber.rewrite(table)
            progress.advance(bar, table.bytes)
        progress.update(bar, description="WAL")
        await scrubber.remove_old_wal()
    typer.echo(f"scrubbed: {len(tables)} tables, {decimal(total)}, and the WAL")
