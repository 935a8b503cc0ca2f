"""How the commands of the service read their settings, run, and report errors."""

from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any, NoReturn

import asyncpg
import typer
import uvloop

from hushpost_runtime.settings import SettingsError, option_help, read_settings
from hushpost_service.domain.errors import HushpostError
from hushpost_service.maintenance.scrub import ScrubError
from hushpost_service.rpc.certificates import CertificateError
from hushpost_service.rpc.server import AddressError
from hushpost_service.settings import Settings
from hushpost_service.storage.database_kind import UnsuitableDatabaseError
from hushpost_service.storage.distribution import DistributionError
from hushpost_service.storage.embedded import EmbeddedDatabase, EmbeddedDatabaseError
from hushpost_service.storage.rights import RightsError
from hushpost_service.storage.schema import SchemaError
from hushpost_service.tokens.keyring import KeyringError
from hushpost_service.workers import WorkerError

__all__ = ["DataDir", "KeyringFile", "fail", "require_database", "run", "settings_of"]

_EXPECTED = (
    HushpostError,
    KeyringError,
    AddressError,
    CertificateError,
    DistributionError,
    EmbeddedDatabaseError,
    RightsError,
    SchemaError,
    ScrubError,
    UnsuitableDatabaseError,
    WorkerError,
)

DataDir = Annotated[Path | None, typer.Option(help=option_help(Settings, "data_dir"))]
KeyringFile = Annotated[
    Path | None, typer.Option("--keyring", help=option_help(Settings, "keyring"))
]


def settings_of(**options: Any) -> Settings:
    """Read the settings, or report each invalid one and exit."""
    try:
        return read_settings(Settings, **options)
    except SettingsError as error:
        fail(error, code=2)


def require_database(settings: Settings) -> None:
    """Exit if there is no database yet, for commands that are of no use on a new one.

    Without HUSHPOST_DATABASE_URL they would create an empty embedded database, and report success.
    """
    if settings.database_url is None and not EmbeddedDatabase(settings.data_dir).exists():
        fail(
            f"there is no database in {settings.data_dir}: set HUSHPOST_DATABASE_URL to the address "
            "that the authority has, or --data-dir to its folder"
        )


def run(work: Coroutine[Any, Any, None]) -> None:
    """Run on uvloop; report an expected error in one line."""
    try:
        uvloop.run(work)
    except _EXPECTED as error:
        fail(error)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        # Only while starting: later, the storage layer translates the pool's errors.
        fail(f"the database cannot be reached: {type(error).__name__}")


def fail(error: object, *, code: int = 1) -> NoReturn:
    """Print an error and exit."""
    for line in str(error).splitlines():
        typer.echo(f"hushpost: {line}", err=True)
    raise typer.Exit(code)
