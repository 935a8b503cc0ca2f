"""Server settings that endanger durability or privacy are reported at startup."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from hushpost_service.storage.database import Database
from hushpost_service.storage.embedded import EmbeddedDatabase
from hushpost_service.storage.server_settings import UnsafeSetting, unsafe_settings
from tests.authority import AuthorityProcess
from tests.conftest import RunningAuthority
from tests.inspection import on
from tests.log_lines import log_lines

UNSAFE = {
    "fsync": "off",
    "full_page_writes": "off",
    "log_error_verbosity": "default",
    "log_statement": "mod",
    "log_min_duration_statement": "1000",
    "log_min_duration_sample": "0",
    "log_transaction_sample_rate": "0.5",
    "track_commit_timestamp": "on",
}
"""Unsafe settings that an operator might have."""

OVERRIDDEN = {
    "synchronous_commit": "off",
    "log_parameter_max_length_on_error": "-1",
    "debug_print_parse": "on",
    "debug_print_plan": "on",
    "debug_print_rewritten": "on",
}
"""Unsafe settings that the service's sessions override."""


@pytest.fixture(scope="module")
async def unsafe_server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """The address of a server where all settings are unsafe."""
    process = AuthorityProcess(tmp_path_factory.mktemp("settings"))
    server = EmbeddedDatabase(process.data_dir)
    uri = await server.start()
    async with on(uri) as connection:
        for name, value in {**UNSAFE, **OVERRIDDEN, "log_parameter_max_length": "-1"}.items():
            await connection.execute(f"alter system set {name} = '{value}'")
    # track_commit_timestamp is only read when the server starts.
    await asyncio.to_thread(process.end_postgres)
    await server.ensure_running()
    yield uri
    await server.stop()


async def _unsafe_in_session(uri: str) -> set[tuple[str, str]]:
    """Return the unsafe settings in a session of the service, as (name, value)."""
    database = await Database.connect(uri, connections=1)
    try:
        async with database.connection("test") as connection:
            rows = await connection.fetch("select name, setting from pg_settings")
    finally:
        await database.close()
    return {(setting.name, setting.actual) for setting in unsafe_settings(dict(map(tuple, rows)))}


def _warnings(process: AuthorityProcess) -> list[dict[str, Any]]:
    """Return the warnings in the authority's log."""
    return [line for line in log_lines(process.log_file) if line["level"] == "warning"]


async def test_each_unsafe_setting_is_found(unsafe_server: str) -> None:
    """Every unsafe setting is found with its value, except those that sessions override."""
    assert await _unsafe_in_session(unsafe_server) == set(UNSAFE.items())


async def test_one_unsafe_setting_is_found(
    authority: RunningAuthority, empty_database: str
) -> None:
    """A setting that is unsafe for one database only is found, although all others are safe."""
    for name in ("log_error_verbosity", "log_statement", "log_min_duration_statement"):
        async with on(empty_database) as connection:
            alter = "alter database " + empty_database.partition("@/")[2].partition("?")[0]
            await connection.execute(f"{alter} set {name} = '{UNSAFE[name]}'")
            await connection.execute(f"{alter} set log_parameter_max_length = '5'")
            assert await _unsafe_in_session(empty_database) == {(name, UNSAFE[name])}
            await connection.execute(f"{alter} reset {name}")
            await connection.execute(f"{alter} reset log_parameter_max_length")


async def test_logging_statements_without_parameters_is_safe(empty_database: str) -> None:
    """Statements may be logged if `log_parameter_max_length` is 0."""
    async with on(empty_database) as connection:
        alter = "alter database " + empty_database.partition("@/")[2].partition("?")[0]
        await connection.execute(f"{alter} set log_statement = 'all'")
        await connection.execute(f"{alter} set log_min_duration_statement = '0'")
    assert await _unsafe_in_session(empty_database) == set()


def test_logging_ddl_is_safe() -> None:
    """DDL statements may be logged."""
    assert unsafe_settings({"log_statement": "ddl"}) == []


@pytest.mark.parametrize(
    ("name", "value"), [("auto_explain.log_min_duration", "0"), ("pgaudit.log_parameter", "on")]
)
def test_extensions_that_log_parameters_are_found(name: str, value: str) -> None:
    """An unsafe setting of an extension is found, and a missing extension is safe."""
    assert unsafe_settings({name: value, "log_parameter_max_length": "0"}) == [
        UnsafeSetting(name, value, {"0": "-1", "on": "off"}[value])
    ]
    assert unsafe_settings({"log_parameter_max_length": "0"}) == []


async def test_the_service_warns_at_startup(unsafe_server: str, tmp_path: Path) -> None:
    """The log has a warning for each unsafe setting, with its actual and required value."""
    environment = {"HUSHPOST_DATABASE_URL": unsafe_server}
    with AuthorityProcess(tmp_path, environment=environment) as process:
        warnings = _warnings(process)
    assert {(line["setting"], line["setting_actual"]) for line in warnings} == set(UNSAFE.items())
    assert {line["setting_required"] for line in warnings} == {
        "on",
        "off",
        "none",
        "terse",
        "-1",
        "0",
    }


def test_the_embedded_server_has_no_unsafe_settings(authority: RunningAuthority) -> None:
    """The service logs no warning about the embedded server."""
    assert not [line for line in _warnings(authority.process) if "setting" in line]
