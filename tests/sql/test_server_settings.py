"""Settings of the server that break a promise are told at the start, each by a warning."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hushpost_service.storage.database import Database
from hushpost_service.storage.embedded import EmbeddedDatabase
from hushpost_service.storage.server_settings import UnsafeSetting, unsafe_settings
from tests.authority import AuthorityProcess
from tests.conftest import RunningAuthority
from tests.inspection import on

BAD = {
    "fsync": "off",
    "full_page_writes": "off",
    "log_error_verbosity": "default",
    "log_statement": "mod",
    "log_min_duration_statement": "1000",
    "log_min_duration_sample": "0",
    "log_transaction_sample_rate": "0.5",
    "track_commit_timestamp": "on",
}
"""Settings as an operator might have them."""

OURS = {
    "synchronous_commit": "off",
    "log_parameter_max_length_on_error": "-1",
    "debug_print_parse": "on",
    "debug_print_plan": "on",
    "debug_print_rewritten": "on",
}
"""Settings that would be as bad, but that our sessions set for themselves."""


@pytest.fixture(scope="module")
async def badly_set(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """The address of a server all of whose settings are bad."""
    process = AuthorityProcess(tmp_path_factory.mktemp("settings"))
    server = EmbeddedDatabase(process.data_dir)
    uri = await server.start()
    async with on(uri) as connection:
        for name, value in {**BAD, **OURS, "log_parameter_max_length": "-1"}.items():
            await connection.execute(f"alter system set {name} = '{value}'")
    # One of them is only read when the server starts.
    await asyncio.to_thread(process.end_postgres)
    await server.ensure_running()
    yield uri
    await server.stop()


async def _broken(uri: str) -> set[tuple[str, str]]:
    """Return the settings that break a promise in one of our sessions, and their values."""
    database = await Database.connect(uri, connections=1)
    try:
        async with database.connection("test") as connection:
            rows = await connection.fetch("select name, setting from pg_settings")
    finally:
        await database.close()
    return {(setting.name, setting.actual) for setting in unsafe_settings(dict(map(tuple, rows)))}


def _warnings(process: AuthorityProcess) -> list[dict[str, str]]:
    lines = [json.loads(line) for line in process.log_file.read_text().splitlines()]
    return [line for line in lines if line["level"] == "warning"]


async def test_each_bad_setting_is_found(badly_set: str) -> None:
    """Each is told with its value, except those that our sessions set for themselves."""
    assert await _broken(badly_set) == set(BAD.items())


async def test_a_bad_setting_is_bad_by_itself(authority: RunningAuthority, empty: str) -> None:
    """Whoever sets it, for a database or a role, and though all others are well."""
    for name in ("log_error_verbosity", "log_statement", "log_min_duration_statement"):
        async with on(empty) as connection:
            alter = "alter database " + empty.partition("@/")[2].partition("?")[0]
            await connection.execute(f"{alter} set {name} = '{BAD[name]}'")
            await connection.execute(f"{alter} set log_parameter_max_length = '5'")
            assert await _broken(empty) == {(name, BAD[name])}
            await connection.execute(f"{alter} reset {name}")
            await connection.execute(f"{alter} reset log_parameter_max_length")


async def test_statements_without_parameters_may_be_logged(empty: str) -> None:
    """With no length left for parameters, statements say nothing of anybody."""
    async with on(empty) as connection:
        alter = "alter database " + empty.partition("@/")[2].partition("?")[0]
        await connection.execute(f"{alter} set log_statement = 'all'")
        await connection.execute(f"{alter} set log_min_duration_statement = '0'")
    assert await _broken(empty) == set()


def test_definitions_may_be_logged() -> None:
    """Statements that define partitions name nobody."""
    assert unsafe_settings({"log_statement": "ddl"}) == []


@pytest.mark.parametrize(
    ("name", "bad"), [("auto_explain.log_min_duration", "0"), ("pgaudit.log_parameter", "on")]
)
def test_extensions_that_log_parameters_are_found(name: str, bad: str) -> None:
    """An extension's setting counts where the extension is loaded, and only there."""
    assert unsafe_settings({name: bad, "log_parameter_max_length": "0"}) == [
        UnsafeSetting(name, bad, {"0": "-1", "on": "off"}[bad])
    ]
    assert unsafe_settings({"log_parameter_max_length": "0"}) == []


async def test_the_service_warns_when_it_starts(badly_set: str, tmp_path: Path) -> None:
    """Each bad setting is a line of the log, whose fields can be read."""
    with AuthorityProcess(tmp_path, environment={"HUSHPOST_DATABASE_URL": badly_set}) as process:
        warnings = _warnings(process)
    assert {(line["setting"], line["setting_actual"]) for line in warnings} == set(BAD.items())
    assert {line["setting_required"] for line in warnings} == {
        "on",
        "off",
        "none",
        "terse",
        "-1",
        "0",
    }


def test_the_embedded_server_is_well_set(authority: RunningAuthority) -> None:
    """About a good server there is nothing to warn of."""
    assert not [line for line in _warnings(authority.process) if "setting" in line]
