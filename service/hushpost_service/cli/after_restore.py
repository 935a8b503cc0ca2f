"""The command `hushpost after-restore`."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from hushpost_runtime.logging import configure_logging
from hushpost_service.cli.invocation import DataDir, fail, require_database, run, settings_of
from hushpost_service.releases.service import Releases
from hushpost_service.startup import opened_database
from hushpost_service.storage.database_clock import database_time
from hushpost_service.storage.issuing import leave_gaps

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("after-restore")(_after_restore)


def _after_restore(
    until: Annotated[
        str | None,
        typer.Option(
            metavar="TIME",
            help="When the lost database failed, for example 2026-11-28T15:04:05Z. Default: now.",
        ),
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """Prepare a database that was restored from a backup, before the authority starts.

    What was done between the backup and the failure is not in the database. Counts
    that were released then would be released again, with other noise, and reveal
    more than their campaign allows: their dates are skipped. Messages that were
    sent then would share their slots with new ones, and count as one person: new
    messages get other slots.
    """
    settings = settings_of(data_dir=data_dir)
    require_database(settings)
    configure_logging("error")
    failure = None if until is None else _time(until)

    async def prepare() -> None:
        async with opened_database(settings) as opened:
            async with opened.database.connection("time") as connection:
                now = await database_time(connection)
            if failure is not None and failure > now:
                fail("--until must not be in the future", code=2)
            async with opened.database.connection("leave gaps") as connection:
                await leave_gaps(connection)
            count = await Releases(opened.database).skip(failure or now)
            typer.echo(f"prepared; skipped the due releases of {count} campaigns")

    run(prepare())


def _time(text: str) -> datetime:
    """Parse a time; without a time zone it is UTC."""
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        fail("--until must be a time like 2026-11-28T15:04:05Z", code=2)
    return time if time.tzinfo else time.replace(tzinfo=UTC)
