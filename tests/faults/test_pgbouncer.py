"""The authority behind PgBouncer, which has the configuration of the guide."""

import asyncio
import json
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path

import pytest

from hushpost_service.storage.database_kind import (
    DatabaseKind,
    UnsuitableDatabaseError,
    database_kind,
)
from tests.authority import HUSHPOST, AuthorityProcess
from tests.inspection import on
from tests.mailing import clients_of, eventually
from tests.pgbouncer import PgBouncer, needs_pgbouncer
from tests.rpc.test_startup import run_serve

from .load import PatientAuthority, connected_again, prepared, started, under_load
from .simulator.postgres_process import PostgresProcess, make_template

pytestmark = needs_pgbouncer

PEOPLE = 400
TIMEOUT_SECONDS = 60

StartPgBouncer = Callable[..., Awaitable[PgBouncer]]


@pytest.fixture(scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[PostgresProcess]:
    """A server with the role of the guide and safe settings."""
    folder = tmp_path_factory.mktemp("pgbouncer")
    template = await asyncio.to_thread(make_template, folder / "template")
    (folder / "server").mkdir()
    process = PostgresProcess(template, folder / "server")
    try:
        await process.start()
        async with on(process.url) as connection:
            await connection.execute("create role hushpost login")
            await connection.execute("alter system set log_error_verbosity = 'terse'")
            await connection.execute("select pg_reload_conf()")
        yield process
    finally:
        process.stop()


@pytest.fixture
async def start_pgbouncer(server: PostgresProcess, tmp_path: Path) -> AsyncIterator[StartPgBouncer]:
    """Start PgBouncer before an empty database, with settings that differ from the guide's."""
    async with on(server.url) as connection:
        await connection.execute("drop database if exists hushpost with (force)")
        await connection.execute("create database hushpost owner hushpost")
    with ExitStack() as stack:

        async def start(**settings: str) -> PgBouncer:
            folder = tmp_path / "pgbouncer"
            folder.mkdir()
            pgbouncer = PgBouncer(folder, server.port, **settings)
            stack.callback(pgbouncer.kill)
            await pgbouncer.start()
            return pgbouncer

        yield start


@pytest.fixture
async def pgbouncer(start_pgbouncer: StartPgBouncer) -> PgBouncer:
    """PgBouncer as in the guide."""
    return await start_pgbouncer()


@pytest.fixture
def process(pgbouncer: PgBouncer, tmp_path: Path) -> AuthorityProcess:
    """An authority behind it, which is not started yet."""
    return AuthorityProcess(
        tmp_path / "authority", environment={"HUSHPOST_DATABASE_URL": pgbouncer.url}
    )


async def run_serve_behind(
    pgbouncer: PgBouncer, data_dir: Path
) -> "subprocess.CompletedProcess[str]":
    """Run `hushpost serve`, which is expected to exit with an error."""
    return await asyncio.to_thread(
        run_serve,
        *("--listen=127.0.0.1:0", f"--data-dir={data_dir}"),
        HUSHPOST_DATABASE_URL=pgbouncer.url,
    )


def run_doctor(process: AuthorityProcess) -> "subprocess.CompletedProcess[bytes]":
    """Let `hushpost doctor` check the database of an authority."""
    return subprocess.run(
        [HUSHPOST, "doctor", "--json", "--database", "--data-dir", process.data_dir],
        env=process.environment,
        capture_output=True,
        timeout=TIMEOUT_SECONDS,
        check=False,
    )


async def counted(server: PostgresProcess) -> int:
    """Return how many events are in the counters."""
    url = server.url.replace("/postgres", "/hushpost")
    async with on(url) as connection:
        return int(await connection.fetchval("select sum(events) from counters where signal = 0"))


async def session_names(server: PostgresProcess) -> set[str]:
    """Return the names of the sessions of the database."""
    async with on(server.url) as connection:
        rows = await connection.fetch(
            "select distinct application_name from pg_stat_activity where datname = 'hushpost'"
        )
    return {name for (name,) in rows}


async def test_the_documented_configuration_serves_an_authority(
    server: PostgresProcess, process: AuthorityProcess
) -> None:
    """It migrates an empty database, records, restarts, and `hushpost doctor` has no objection."""
    with process:
        authority = PatientAuthority(process, process.target, process.admin_key())
        async with AsyncExitStack() as stack:
            clients = await clients_of(stack, authority)
            before = await prepared(clients, "before", PEOPLE)
            await before.record_all()
            assert await asyncio.to_thread(process.stop) == 0
            await started(process, clients)
            after = await prepared(clients, "after", PEOPLE)
            await after.record_all()
            assert before.refused == after.refused == []
            assert await counted(server) == 2 * PEOPLE
        done = await asyncio.to_thread(run_doctor, process)
        problems = [each for each in json.loads(done.stdout) if each["level"] == "problem"]
        assert (done.returncode, problems) == (0, [])


async def test_sessions_have_the_name_of_the_keyring_while_an_authority_runs(
    server: PostgresProcess, process: AuthorityProcess
) -> None:
    """`hushpost keyring activate` finds authorities by it, and none that has ended."""

    async def are_renamed() -> bool:
        return "hushpost key 1" not in await session_names(server)

    with process:
        assert "hushpost key 1" in await session_names(server)
        assert await asyncio.to_thread(process.stop) == 0
        await eventually(are_renamed, "the pooled sessions have lost the name")
        assert await session_names(server), "PgBouncer keeps them"


async def test_a_restart_of_pgbouncer_under_load_loses_nothing(
    server: PostgresProcess, pgbouncer: PgBouncer, process: AuthorityProcess
) -> None:
    """The authority connects again by itself; each event counts once."""
    with process:
        authority = PatientAuthority(process, process.target, process.admin_key())
        async with AsyncExitStack() as stack, asyncio.timeout(TIMEOUT_SECONDS):
            clients = await clients_of(stack, authority)
            load = await prepared(clients, "spring", PEOPLE)
            async with under_load(load, after=PEOPLE // 8):
                pgbouncer.kill()
                acknowledged = len(load.acknowledged)
                await pgbouncer.start()
            await connected_again(clients)
        assert acknowledged < PEOPLE
        assert load.refused == []
        assert len(load.acknowledged) == PEOPLE
        assert await counted(server) == PEOPLE


@pytest.mark.parametrize("mode", ["transaction", "statement"])
@pytest.mark.parametrize("default_pool_size", ["1", "20"])
async def test_other_modes_are_refused(
    start_pgbouncer: StartPgBouncer, mode: str, default_pool_size: str
) -> None:
    """The error names the mode that PgBouncer must have."""
    pgbouncer = await start_pgbouncer(pool_mode=mode, default_pool_size=default_pool_size)
    with pytest.raises(UnsuitableDatabaseError, match="let it work in session mode"):
        await database_kind(pgbouncer.url)


async def test_the_authority_refuses_transaction_mode_in_one_line(
    start_pgbouncer: StartPgBouncer, tmp_path: Path
) -> None:
    """`hushpost serve` exits with status 1 and the reason."""
    pgbouncer = await start_pgbouncer(pool_mode="transaction")
    done = await run_serve_behind(pgbouncer, tmp_path)
    (line,) = done.stderr.splitlines()
    assert done.returncode == 1
    assert line.startswith("hushpost: a connection pooler changes the session with each")


@pytest.mark.parametrize("setting", ["default_pool_size", "max_db_connections"])
async def test_a_pool_of_one_session_is_refused_soon(
    start_pgbouncer: StartPgBouncer, setting: str
) -> None:
    """The error names the settings."""
    pgbouncer = await start_pgbouncer(**{setting: "1"})
    async with asyncio.timeout(TIMEOUT_SECONDS):
        with pytest.raises(UnsuitableDatabaseError, match=rf"no second one .*{setting}"):
            await database_kind(pgbouncer.url, session_seconds=2)


async def test_the_authority_reports_a_full_pool_in_one_line(
    start_pgbouncer: StartPgBouncer, tmp_path: Path
) -> None:
    """`hushpost serve` does not wait for PgBouncer, which would let it wait for two minutes."""
    pgbouncer = await start_pgbouncer(default_pool_size="2")
    async with AsyncExitStack() as stack:
        for _ in range(2):
            connection = await stack.enter_async_context(on(pgbouncer.url))
            await connection.execute("select")
        done = await run_serve_behind(pgbouncer, tmp_path)
    (line,) = done.stderr.splitlines()
    assert done.returncode == 1
    assert line.startswith("hushpost: the database gave no session within 10 seconds")
    async with asyncio.timeout(TIMEOUT_SECONDS):
        assert await database_kind(pgbouncer.url) is DatabaseKind.SINGLE
