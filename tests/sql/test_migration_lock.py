"""One process at a time migrates; the others wait for it, but neither for long nor in vain."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from hushpost_service.storage import migration
from hushpost_service.storage.schema import SchemaError, migrate
from tests.authority import HUSHPOST
from tests.inspection import on

from .pooler import pooled

TIMEOUT_SECONDS = 30
LOCK = migration._LOCK


@asynccontextmanager
async def lock_held(uri: str) -> AsyncIterator[int]:
    """Hold the migration lock in another session; yield the process id of its server process."""
    async with on(uri) as connection:
        await connection.execute(f"select pg_advisory_lock({LOCK})")
        yield connection.get_server_pid()


async def waiting_sessions(uri: str) -> int:
    """Return how many sessions wait for the lock."""
    async with on(uri) as connection:
        return int(
            await connection.fetchval(
                "select count(*) from pg_locks where locktype = 'advisory' and objid = $1"
                " and not granted",
                LOCK,
            )
        )


async def test_the_lock_does_not_outlive_the_migration_behind_a_pooler(
    empty_database: str,
) -> None:
    """The next process migrates although the pooler still has the session of the previous one."""
    async with pooled(empty_database) as uri:
        await asyncio.wait_for(migrate(uri), TIMEOUT_SECONDS)
        async with on(empty_database) as connection:
            await connection.execute("drop schema public cascade; create schema public")
        await asyncio.wait_for(migrate(empty_database), TIMEOUT_SECONDS)


async def test_a_current_schema_needs_no_lock(empty_database: str) -> None:
    """A process that has nothing to migrate does not wait for one that holds the lock."""
    await migrate(empty_database)
    async with lock_held(empty_database):
        await asyncio.wait_for(migrate(empty_database), TIMEOUT_SECONDS)


async def test_the_wait_for_the_lock_is_limited(empty_database: str) -> None:
    """After a while the error names the session that holds the lock; nothing is migrated."""
    async with lock_held(empty_database) as pid:
        with pytest.raises(SchemaError, match=rf"process id {pid} .* for 0\.2 seconds"):
            await migrate(empty_database, lock_seconds=0.2)
    async with on(empty_database) as connection:
        assert await connection.fetchval("select to_regclass('tenants')") is None
    await migrate(empty_database)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_the_wait(
    empty_database: str, tmp_path: Path, number: signal.Signals
) -> None:
    """SIGTERM and SIGINT end `hushpost serve` with exit code 0 while it waits for the lock."""
    async with lock_held(empty_database):
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, HUSHPOST, "serve", "--listen=127.0.0.1:0", f"--data-dir={tmp_path}"),
            env={"HUSHPOST_DATABASE_URL": empty_database},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                while not await waiting_sessions(empty_database):  # noqa: ASYNC110 - of the database
                    await asyncio.sleep(0.05)
                process.send_signal(number)
                out, err = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
                await process.communicate()
        assert (process.returncode, out) == (0, b"")
        assert b"stopped during the start" in err
        assert b"Traceback" not in err
        assert await waiting_sessions(empty_database) == 0
