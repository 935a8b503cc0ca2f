"""What `hushpost doctor --database` checks: the database, the keyring and their files."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

import asyncpg

from hushpost_runtime.findings import Finding, Level, Runbook, disk_space, problem, warning, works
from hushpost_runtime.secret_file import read_secret_file
from hushpost_runtime.settings import SettingsError, read_settings
from hushpost_service.cli.backlog_findings import backlog_findings, unknown_backlog
from hushpost_service.cli.schema_findings import (
    distribution_finding,
    post_deploy_finding,
    schema_finding,
)
from hushpost_service.cli.server_findings import server_findings
from hushpost_service.settings import Settings
from hushpost_service.storage.backlog import read_backlog
from hushpost_service.storage.connection import Connection
from hushpost_service.storage.connection_settings import settings_script
from hushpost_service.storage.database_clock import database_time
from hushpost_service.storage.database_kind import WORKER_REFUSED, DatabaseKind, kind_of
from hushpost_service.storage.distribution import undistributed_tables
from hushpost_service.storage.embedded import EmbeddedDatabase, EmbeddedDatabaseError
from hushpost_service.storage.keyring_keys import fingerprints
from hushpost_service.storage.rights import RightsError, check_rights
from hushpost_service.storage.schema import applied_schema
from hushpost_service.storage.server_settings import check_settings
from hushpost_service.tokens.keyring import Keyring, KeyringError

__all__ = ["diagnose"]

_DATABASE, _KEYRING, _FILES = "database", "keyring", "files"
_OLDEST_VERSION = 15
_CONNECT_SECONDS = 5
_CLOCK_SECONDS = 60


class _NoDatabaseError(Exception):
    """There is no database to connect to."""


async def diagnose(data_dir: Path | None, keyring: Path | None) -> list[Finding]:
    """Check the database and the keyring of `hushpost serve`, with the same settings.

    Changes nothing: migrates no schema, and creates no keyring. Starts the embedded database
    for the time of the check if it does not run.
    """
    try:
        settings = read_settings(Settings, data_dir=data_dir, keyring=keyring)
    except SettingsError as error:
        text = " ".join(str(error).splitlines())
        return [problem("settings", text, "Correct the environment variables of hushpost serve.")]
    findings: list[Finding] = []
    registered: dict[int, bytes] = {}
    try:
        async with _connected(settings) as connection:
            async for finding in _database(connection):
                findings.append(finding)  # noqa: PERF401 - keeps those before an error
            if (await applied_schema(connection)).revision is not None:
                registered = await fingerprints(cast("Connection", connection))
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        findings.append(_unreachable(error))
    except (_NoDatabaseError, EmbeddedDatabaseError) as error:
        findings.append(
            problem(_DATABASE, f"{error}", "Set HUSHPOST_DATABASE_URL, or give --data-dir.")
        )
    findings.append(_keyring(settings.keyring_file, registered))
    findings += _files(settings)
    return findings


@asynccontextmanager
async def _connected(
    settings: Settings,
) -> "AsyncIterator[asyncpg.Connection[asyncpg.Record]]":
    """Connect as the authority does. Raises _NoDatabaseError, and errors of the driver."""
    embedded = None
    if settings.database_url is not None:
        dsn = settings.database_url.get_secret_value()
    else:
        if not EmbeddedDatabase(settings.data_dir).exists():
            raise _NoDatabaseError(f"There is no embedded database in {settings.data_dir}.")
        embedded = EmbeddedDatabase(settings.data_dir)
        dsn = await embedded.start()
    try:
        connection = await asyncpg.connect(
            dsn, timeout=_CONNECT_SECONDS, server_settings={"application_name": "hushpost"}
        )
        try:
            # A pooler without a free session delays the first statement.
            async with asyncio.timeout(_CONNECT_SECONDS):
                await connection.execute(settings_script(await kind_of(connection)))
            yield connection
            await connection.close()
        finally:
            # At once: a statement that was given up may have no answer yet.
            connection.terminate()
    finally:
        if embedded is not None:
            await embedded.stop()


def _unreachable(error: Exception) -> Finding:
    if isinstance(error, TimeoutError):
        return problem(
            _DATABASE,
            f"The database did not answer within {_CONNECT_SECONDS} seconds.",
            "Check that the server runs, and that a connection pooler in between has a free session.",
            Runbook.DATABASE,
        )
    return problem(
        _DATABASE,
        f"The database can't be reached: {str(error) or type(error).__name__}.",
        "Check that the server runs, HUSHPOST_DATABASE_URL, and the server's pg_hba.conf.",
        Runbook.DATABASE,
    )


async def _database(
    connection: "asyncpg.Connection[asyncpg.Record]",
) -> AsyncIterator[Finding]:
    pooled = cast("Connection", connection)
    version = connection.get_server_version()
    text = f"PostgreSQL {version.major}.{version.minor} is reachable."
    if version.major < _OLDEST_VERSION:
        yield problem(_DATABASE, text, f"Upgrade it to {_OLDEST_VERSION} or later.")
    else:
        yield works(_DATABASE, text)
    try:
        await check_rights(connection)
        yield works(_DATABASE, "The role has the rights that the authority needs.")
    except RightsError as error:
        yield problem(_DATABASE, f"{error}.", "Grant them, or make the role the owner.")
    kind = await kind_of(connection)
    if kind is DatabaseKind.WORKER:
        yield problem(_DATABASE, f"{WORKER_REFUSED}.", "Correct HUSHPOST_DATABASE_URL.")
        return
    for finding in server_findings(await check_settings(pooled, kind)):
        yield finding
    applied = await applied_schema(connection)
    schema = schema_finding(applied)
    yield schema
    yield _clock(await database_time(pooled))
    if schema.level is Level.OK:
        yield post_deploy_finding(applied)
        if kind is DatabaseKind.DISTRIBUTED:
            yield distribution_finding(await undistributed_tables(pooled))
        async for finding in _backlog(pooled):
            yield finding


async def _backlog(connection: Connection) -> AsyncIterator[Finding]:
    """Check the work that waits. Needs all workers of a distributed database."""
    try:
        backlog = await read_backlog(connection, timedelta())
    except asyncpg.PostgresError as error:
        yield unknown_backlog(error)
        return
    for finding in backlog_findings(backlog):
        yield finding


def _clock(now: datetime) -> Finding:
    seconds = round((datetime.now(UTC) - now).total_seconds())
    if abs(seconds) < _CLOCK_SECONDS:
        return works("clock", "This machine and the database have the same time.")
    return warning(
        "clock",
        f"The clock of this machine is {abs(seconds):,} seconds "
        f"{'ahead of' if seconds > 0 else 'behind'} the database's, which is used.",
        "Synchronize the clocks of both machines with NTP.",
        Runbook.WRONG_CLOCKS,
    )


def _keyring(path: Path, registered: dict[int, bytes]) -> Finding:
    if not path.exists() and not registered:
        return warning(
            _KEYRING,
            f"There is no keyring {path} yet.",
            "hushpost serve creates it when it starts on an empty database. Back it up.",
        )
    if path.exists() and (secret := _secret(path)).level is Level.PROBLEM:
        return replace(secret, part=_KEYRING)
    try:
        keyring = Keyring.load(path)
        keyring.check_registered(registered, path)
    except KeyringError as error:
        return problem(
            _KEYRING,
            f"{str(error)[:1].upper()}{str(error)[1:]}.",
            "Without the right keyring, tokens of mail that was sent can't be opened: restore it "
            "from a backup or copy it from another authority.",
            Runbook.KEYRING,
        )
    ids = ", ".join(map(str, sorted(keyring.secrets)))
    known = " They match the database." if registered else ""
    text = f"Keys in {path}: {ids}.{known} Key {keyring.active} seals new tokens."
    return works(_KEYRING, text)


def _files(settings: Settings) -> list[Finding]:
    findings = []
    if settings.tls_key is not None:
        findings.append(_secret(settings.tls_key))
    folder = settings.data_dir.resolve()
    while not folder.exists():
        folder = folder.parent
    findings.append(disk_space(_FILES, folder))
    return findings


def _secret(path: Path) -> Finding:
    try:
        read_secret_file(path)
    except OSError as error:
        return problem(
            _FILES, f"{path} can't be used: {error.strerror}.", "Correct the path or its mode."
        )
    return works(_FILES, f"{path} is readable by its owner and group only.")
