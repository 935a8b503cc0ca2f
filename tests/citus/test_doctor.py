"""`hushpost doctor --database` checks a distributed database, and its workers."""

import json
import os
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from hushpost_service.storage.database_kind import DatabaseKind
from hushpost_service.storage.server_settings import warn_about_unsafe_settings
from tests import citus_database
from tests.authority import HUSHPOST, AuthorityProcess
from tests.inspection import database_uri, on

SAFE = "database: Settings for durability and logging are safe."


@dataclass(frozen=True)
class Report:
    """The exit code of `hushpost doctor`, and its findings as (level, part: text)."""

    code: int
    findings: list[tuple[str, str]]

    def of(self, level: str) -> list[str]:
        """Return the findings of a level, apart from the space of this machine's disk."""
        return [text for each, text in self.findings if each == level and " GiB left" not in text]


@dataclass(frozen=True)
class Town:
    """A distributed database and its keyring."""

    database: str
    data_dir: Path

    def doctor(self, database: str | None = None) -> Report:
        """Run the command, on the coordinator unless another address is given."""
        done = subprocess.run(
            [HUSHPOST, "doctor", "--database", "--json"],
            env={
                **os.environ,
                "HUSHPOST_DATABASE_URL": database or self.database,
                "HUSHPOST_DATA_DIR": str(self.data_dir),
            },
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        findings = [
            (each["level"], f"{each['part']}: {each['text']}") for each in json.loads(done.stdout)
        ]
        return Report(done.returncode, findings)


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """The database of an authority that runs."""
    with AuthorityProcess(tmp_path_factory.mktemp("doctor")) as process:
        yield Town(database_uri(process.data_dir), process.data_dir)


def host_and_port(address: str) -> str:
    """Return how findings name a worker."""
    return address.rpartition("@")[2].partition("/")[0]


@asynccontextmanager
async def unreachable(worker: str) -> AsyncIterator[None]:
    """Let a worker accept no new connections to its database during the block."""
    (server,) = [
        each
        for each in await citus_database.worker_addresses(os.environ[citus_database.VARIABLE])
        if host_and_port(each) == host_and_port(worker)
    ]
    alter = f"alter database {worker.rpartition('/')[2]} allow_connections"
    async with on(server) as connection:
        await connection.execute(f"{alter} false")
        try:
            yield
        finally:
            await connection.execute(f"{alter} true")


async def test_a_healthy_cluster_has_no_problem(town: Town) -> None:
    """All parts are checked, and the only warnings are about servers without checksums."""
    report = town.doctor()

    assert (report.code, report.of("problem")) == (0, [])
    texts = report.of("ok")
    for expected in (
        SAFE,
        "database: All tables of tenants are distributed.",
        "waiting work: 0 jobs of anonymization are pending.",
        "waiting work: No release of anonymous counts is late.",
        "waiting work: The next partition of events exists.",
    ):
        assert expected in texts
    assert any("They match the database." in text for text in texts)
    workers = await citus_database.worker_addresses(town.database)
    expected_warnings = []
    for server in (town.database, *workers):
        async with on(server) as connection:
            if await connection.fetchval("show data_checksums") == "off":
                place = f"On worker {host_and_port(server)}, data" if server in workers else "Data"
                expected_warnings.append(
                    f"database: {place} checksums are off: damage by the disk goes unnoticed."
                )
    assert report.of("warning") == expected_warnings


async def test_an_unsafe_setting_of_a_worker_is_a_problem(town: Town) -> None:
    """Its address is in the finding."""
    *_, worker = await citus_database.worker_addresses(town.database)
    alter = f"alter database {worker.rpartition('/')[2]}"
    async with on(worker) as connection:
        await connection.execute(f"{alter} set citus.log_remote_commands = on")
        try:
            report = town.doctor()
        finally:
            await connection.execute(f"{alter} reset citus.log_remote_commands")

    assert report.code == 1
    (problem,) = report.of("problem")
    assert problem == (
        f"database: On worker {host_and_port(worker)}, citus.log_remote_commands is on, "
        "which endangers durability or privacy."
    )
    assert SAFE not in report.of("ok")


async def test_a_worker_that_can_not_be_reached_is_a_problem(town: Town) -> None:
    """It does not count as safe. What needs no worker is checked nevertheless."""
    (worker, *_) = await citus_database.worker_addresses(town.database)
    async with unreachable(worker):
        report = town.doctor()

    assert report.code == 1
    settings, waiting = report.of("problem")
    assert settings.startswith(
        f"database: The settings of worker {host_and_port(worker)} can't be checked: "
    )
    assert waiting.startswith("waiting work: It can't be read: ")
    texts = report.of("ok")
    assert SAFE not in texts
    assert any("They match the database." in text for text in texts)


async def test_an_authority_warns_of_a_worker_that_it_could_not_check(town: Town) -> None:
    """It starts nevertheless, for the tenants of the others."""
    (worker, *_) = await citus_database.worker_addresses(town.database)
    async with unreachable(worker), on(town.database) as connection:
        with capture_logs() as lines:
            await warn_about_unsafe_settings(connection, DatabaseKind.DISTRIBUTED)  # type: ignore[arg-type] # not of a pool

    assert {
        "event": "settings of a worker not checked",
        "log_level": "warning",
        "worker": host_and_port(worker),
    } in lines


async def test_a_table_that_is_not_distributed_is_a_problem(town: Town) -> None:
    """As after a migration that has created one."""
    async with on(town.database) as connection:
        await connection.execute("create table later_table (tenant integer)")
        try:
            report = town.doctor()
        finally:
            await connection.execute("drop table later_table")

    assert report.code == 1
    assert report.of("problem") == [
        "database: Tables are not distributed: later_table. No authority starts."
    ]


async def test_the_address_of_a_worker_is_a_problem(town: Town) -> None:
    """The coordinator's is needed."""
    (worker, *_) = await citus_database.worker_addresses(town.database)
    report = town.doctor(worker)

    assert report.code == 1
    assert "give the address of the coordinator" in str(report.of("problem"))
