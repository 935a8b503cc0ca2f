"""Failover to a synchronous standby: acknowledged events survive, without a restart."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.authority import AuthorityProcess
from tests.inspection import on
from tests.mailing import clients_of, eventually

from .backups import run_program
from .load import PatientAuthority, prepared
from .simulator.postgres_process import PostgresProcess, make_template

PEOPLE = 400


@dataclass(frozen=True)
class Servers:
    """A primary and a standby that its commits wait for."""

    primary: PostgresProcess
    standby: PostgresProcess

    @property
    def address(self) -> str:
        """The address of both, as the guide describes it."""
        hosts = f"127.0.0.1:{self.primary.port},127.0.0.1:{self.standby.port}"
        return f"postgresql://postgres@{hosts}/postgres?target_session_attrs=read-write"


@pytest.fixture
async def servers(tmp_path: Path) -> AsyncIterator[Servers]:
    """The servers, running and connected."""
    template = await asyncio.to_thread(make_template, tmp_path / "template")
    with ExitStack() as stack:
        primary = _server(stack, template, tmp_path / "primary")
        await primary.start()
        copy = tmp_path / "copy"
        await run_program(
            "pg_basebackup",
            "--checkpoint=fast",
            f"--pgdata={copy}",
            f"--dbname={primary.url}",
        )
        # `pg_basebackup --write-recovery-conf` writes options that an older libpq rejects.
        (copy / "standby.signal").touch()
        with (copy / "postgresql.auto.conf").open("a") as settings:
            settings.write(
                f"primary_conninfo = 'host=127.0.0.1 port={primary.port} user=postgres'\n"
            )
        standby = _server(stack, copy, tmp_path / "standby")
        await standby.start()
        async with on(primary.url) as connection:
            await connection.execute("alter system set synchronous_standby_names = '*'")
            await connection.execute("select pg_reload_conf()")

            async def is_synchronous() -> bool:
                states = await connection.fetch("select sync_state from pg_stat_replication")
                return [state for (state,) in states] == ["sync"]

            await eventually(is_synchronous, "commits wait for the standby")
        yield Servers(primary, standby)


def _server(stack: ExitStack, data: Path, folder: Path) -> PostgresProcess:
    """Make a server from a copy of a data folder; it is stopped when the stack is closed."""
    folder.mkdir()
    server = PostgresProcess(data, folder)
    stack.callback(server.stop)
    return server


async def test_acknowledged_events_survive_the_promotion_of_a_standby(
    servers: Servers, tmp_path: Path
) -> None:
    """The primary is killed under load; each event counts once at the promoted standby."""
    environment = {"HUSHPOST_DATABASE_URL": servers.address}
    with AuthorityProcess(tmp_path / "authority", environment=environment) as process:
        authority = PatientAuthority(process, process.target, process.admin_key())
        async with AsyncExitStack() as stack:
            clients = await clients_of(stack, authority)
            load = await prepared(clients, "spring", PEOPLE)
            recording = asyncio.create_task(load.record_all())
            await load.has_acknowledged(PEOPLE // 8)
            servers.primary.kill()
            survived = len(load.acknowledged)
            async with on(servers.standby.url) as connection:
                await connection.execute("select pg_promote()")
            await asyncio.wait_for(recording, 60)
            assert survived < PEOPLE
            assert load.refused == []
            assert len(load.acknowledged) == PEOPLE
            async with on(servers.standby.url) as connection:
                counted = await connection.fetchval(
                    "select sum(events) from counters where signal = 0"
                )
            assert counted == PEOPLE
