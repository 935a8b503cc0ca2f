"""The commands of the service: serve, admin-key, keyring, scrub and after-restore."""

from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, NoReturn

import asyncpg
import typer
import uvloop
from rich.console import Console
from rich.filesize import decimal
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from hushpost_runtime.logging import configure_logging
from hushpost_runtime.settings import SettingsError, option_help, read_settings
from hushpost_service.admin.secret import new_secret, secret_hash
from hushpost_service.app import serve
from hushpost_service.domain.errors import HushpostError
from hushpost_service.domain.roles import Role
from hushpost_service.keyring_rotation import activate_key, add_key, described_keyring
from hushpost_service.maintenance.scrub import Scrubber, ScrubError
from hushpost_service.releases.service import Releases
from hushpost_service.rpc.certificates import CertificateError
from hushpost_service.rpc.server import AddressError
from hushpost_service.settings import Settings
from hushpost_service.startup import opened_database, opened_keyring
from hushpost_service.storage.api_keys import NewApiKey, insert_api_key
from hushpost_service.storage.connection import Connection
from hushpost_service.storage.embedded import EmbeddedDatabaseError
from hushpost_service.storage.issuing import leave_gaps
from hushpost_service.storage.rights import RightsError
from hushpost_service.storage.schema import SchemaError
from hushpost_service.tokens.keyring import KeyringError

__all__ = ["register"]

_EXPECTED = (
    HushpostError,
    KeyringError,
    AddressError,
    CertificateError,
    EmbeddedDatabaseError,
    RightsError,
    SchemaError,
    ScrubError,
)

_MAX_DAYS = 36_500


DataDir = Annotated[Path | None, typer.Option(help=option_help(Settings, "data_dir"))]
KeyringFile = Annotated[
    Path | None, typer.Option("--keyring", help=option_help(Settings, "keyring"))
]


def register(app: typer.Typer) -> None:
    """Add the commands to the console script."""
    app.command("serve")(_serve)
    app.command("admin-key")(_admin_key)
    keyring = typer.Typer(help="List, add and activate the keys that seal tokens.")
    keyring.command("show")(_keyring_show)
    keyring.command("add")(_keyring_add)
    keyring.command("activate")(_keyring_activate)
    app.add_typer(keyring, name="keyring")
    app.command("scrub")(_scrub)
    app.command("after-restore")(_after_restore)


def _serve(
    listen: Annotated[str | None, typer.Option(help=option_help(Settings, "listen"))] = None,
    data_dir: DataDir = None,
    keyring: KeyringFile = None,
    connections: Annotated[
        int | None, typer.Option(help=option_help(Settings, "connections"))
    ] = None,
    max_calls: Annotated[int | None, typer.Option(help=option_help(Settings, "max_calls"))] = None,
    max_queued_events: Annotated[
        int | None, typer.Option(help=option_help(Settings, "max_queued_events"))
    ] = None,
    cpu: Annotated[int | None, typer.Option(help=option_help(Settings, "cpu"))] = None,
    max_epsilon: Annotated[
        float | None, typer.Option(help=option_help(Settings, "max_epsilon"))
    ] = None,
    allow_exact: Annotated[
        bool | None, typer.Option("--allow-exact", help=option_help(Settings, "allow_exact"))
    ] = None,
    metrics_listen: Annotated[
        str | None, typer.Option(help=option_help(Settings, "metrics_listen"))
    ] = None,
    tls_certificate: Annotated[
        Path | None, typer.Option(help=option_help(Settings, "tls_certificate"))
    ] = None,
    tls_key: Annotated[Path | None, typer.Option(help=option_help(Settings, "tls_key"))] = None,
    tls_client_ca: Annotated[
        Path | None, typer.Option(help=option_help(Settings, "tls_client_ca"))
    ] = None,
    mtls_listen: Annotated[
        str | None, typer.Option(help=option_help(Settings, "mtls_listen"))
    ] = None,
    mtls_roles: Annotated[
        str | None, typer.Option(help=option_help(Settings, "mtls_roles"))
    ] = None,
    insecure: Annotated[
        bool | None, typer.Option("--insecure", help=option_help(Settings, "insecure"))
    ] = None,
    shutdown_seconds: Annotated[
        float | None, typer.Option(help=option_help(Settings, "shutdown_seconds"))
    ] = None,
    opt_out_step_seconds: Annotated[
        float | None, typer.Option(help=option_help(Settings, "opt_out_step_seconds"))
    ] = None,
    log_level: Annotated[str | None, typer.Option(help=option_help(Settings, "log_level"))] = None,
) -> None:
    """Run the authority until SIGTERM or Ctrl-C.

    Uses the database of HUSHPOST_DATABASE_URL (an environment variable only,
    because it may contain a password), or an embedded one in --data-dir.
    Migrates the schema. The first start on an empty database also creates the
    keyring.
    """
    settings = _settings(
        listen=listen,
        data_dir=data_dir,
        keyring=keyring,
        connections=connections,
        max_calls=max_calls,
        max_queued_events=max_queued_events,
        cpu=cpu,
        max_epsilon=max_epsilon,
        allow_exact=allow_exact,
        metrics_listen=metrics_listen,
        tls_certificate=tls_certificate,
        tls_key=tls_key,
        tls_client_ca=tls_client_ca,
        mtls_listen=mtls_listen,
        mtls_roles=mtls_roles,
        insecure=insecure,
        shutdown_seconds=shutdown_seconds,
        opt_out_step_seconds=opt_out_step_seconds,
        log_level=log_level,
    )
    try:
        settings.check_encryption()
    except SettingsError as error:
        _fail(error, code=2)
    configure_logging(settings.log_level)
    _run(serve(settings, lambda address: print(f"listening on {address}", flush=True)))  # noqa: T201


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
    settings = _settings(data_dir=data_dir, keyring=keyring)
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

    _run(create())
    typer.echo(secret)


def _keyring_show(data_dir: DataDir = None, keyring: KeyringFile = None) -> None:
    """List the keys with their fingerprints, and which key seals new tokens."""
    path = _settings(data_dir=data_dir, keyring=keyring).keyring_file
    try:
        typer.echo(described_keyring(path))
    except KeyringError as error:
        _fail(error)


def _keyring_add(data_dir: DataDir = None, keyring: KeyringFile = None) -> None:
    """Add a new key to the file. It opens tokens, but does not seal any yet.

    Then copy the file to every authority, restart them one by one, and run
    `hushpost keyring activate`.
    """
    path = _settings(data_dir=data_dir, keyring=keyring).keyring_file
    try:
        key_id = add_key(path)
    except KeyringError as error:
        _fail(error)
    typer.echo(
        f"{path}: added key {key_id}. Copy the file to every authority, restart them, then run "
        "`hushpost keyring activate`."
    )


def _keyring_activate(
    key_id: Annotated[
        int | None, typer.Argument(help="The key to activate. Default: the newest.")
    ] = None,
    data_dir: DataDir = None,
    keyring: KeyringFile = None,
) -> None:
    """Let a key seal new tokens. Tokens of the other keys stay valid.

    Fails if an authority that is running does not know the key yet. Then copy the
    file to every authority and restart them one by one.
    """
    settings = _settings(data_dir=data_dir, keyring=keyring)
    configure_logging("warning")

    async def activate() -> None:
        active = await activate_key(settings, key_id)
        typer.echo(
            f"{settings.keyring_file}: key {active} seals new tokens. Copy the file to every "
            "authority and restart them."
        )

    _run(activate())


def _scrub(data_dir: DataDir = None) -> None:
    """Remove anonymized events and erased contacts from the files of the database.

    PostgreSQL keeps deleted rows in the files of tables, indexes and WAL until
    it overwrites them. This command rewrites the tables one at a time and
    removes old WAL files. A running service continues; recording waits while
    its table is being rewritten, about two seconds per million events. Backups,
    WAL archives and replicas are not changed.
    """
    settings = _settings(data_dir=data_dir)
    configure_logging("error")

    async def scrub() -> None:
        async with opened_database(settings) as opened:
            await _scrubbed(Scrubber(opened.database))

    _run(scrub())


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
    settings = _settings(data_dir=data_dir)
    configure_logging("error")
    try:
        time = datetime.now(UTC) if until is None else datetime.fromisoformat(until)
    except ValueError:
        _fail("--until must be a time like 2026-11-28T15:04:05Z", code=2)
    if time.tzinfo is None:
        time = time.replace(tzinfo=UTC)

    async def prepare() -> None:
        async with opened_database(settings) as opened:
            count = await Releases(opened.database).skip(time)
            async with opened.database.connection("leave gaps") as connection:
                await leave_gaps(connection)
            typer.echo(f"prepared; skipped the due releases of {count} campaigns")

    _run(prepare())


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


def _days_from_now(days: int | None) -> datetime | None:
    return None if days is None else datetime.now(UTC) + timedelta(days=days)


def _settings(**options: Any) -> Settings:
    """Read the settings, or report each invalid one and exit."""
    try:
        return read_settings(Settings, **options)
    except SettingsError as error:
        _fail(error, code=2)


def _run(work: Coroutine[Any, Any, None]) -> None:
    """Run on uvloop; report an expected error in one line."""
    try:
        uvloop.run(work)
    except _EXPECTED as error:
        _fail(error)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        # Only while starting: later, the storage layer translates the pool's errors.
        _fail(f"the database cannot be reached: {type(error).__name__}")


def _fail(error: object, *, code: int = 1) -> NoReturn:
    for line in str(error).splitlines():
        typer.echo(f"hushpost: {line}", err=True)
    raise typer.Exit(code)
