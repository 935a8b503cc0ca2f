"""The command `hushpost distribute` turns a migrated database into a distributed one."""

from datetime import UTC, datetime, timedelta

import pytest

from hushpost_service.domain.modes import Policy
from hushpost_service.storage.database import Database
from hushpost_service.storage.database_kind import (
    DatabaseKind,
    UnsuitableDatabaseError,
    database_kind,
)
from hushpost_service.storage.partitions import create_partitions
from hushpost_service.storage.schema import migrate
from hushpost_service.storage.server_settings import SESSION_SETTINGS, check_settings
from hushpost_service.storage.sql.distribution import RUN_ON_WORKERS
from hushpost_service.storage.tenants import insert_policy
from tests import citus_database
from tests.citus.commands import distribute
from tests.citus.samples import assert_no_samples_about_persons, insert_events_and_contacts
from tests.inspection import on, tables
from tests.rpc.test_startup import run_serve

SETTINGS = """
select setconfig from pg_db_role_setting
where setrole = 0
    and setdatabase = (select oid from pg_database where datname = current_database())
"""

LOCAL = {
    "alembic_version",
    "api_keys",
    "keyring_keys",
    "schema_compatibility",
    "tenants",
    "tracking_domains",
}
TENANT = 4_712


async def settings_of_sessions(server: str) -> set[str]:
    """Return the settings that sessions of a database on a server start with."""
    async with on(server) as connection:
        return set(await connection.fetchval(SETTINGS) or [])


async def test_rows_of_tenants_move_to_the_workers(undistributed: str) -> None:
    """What was stored before is found afterwards, and has left the coordinator's files."""
    await migrate(undistributed)
    database = await Database.connect(undistributed, connections=1)
    await database.transact("test", lambda c: insert_policy(c, TENANT, Policy(), "test"))
    await database.close()
    done = distribute(undistributed)
    assert done.returncode == 0, done.stderr
    assert await database_kind(undistributed) is DatabaseKind.DISTRIBUTED
    async with on(undistributed) as connection:
        assert await connection.fetchval("select tenant from policies") == TENANT
        assert await connection.fetchval("select pg_relation_size('policies')") == 0


async def test_all_tables_of_tenants_are_on_the_worker_of_their_tenant(distributed: str) -> None:
    """Every table is distributed with the others, except those without tenant or before it."""
    async with on(distributed) as connection:
        groups = dict(
            map(
                tuple,
                await connection.fetch(
                    "select logicalrelid::text, colocationid from pg_dist_partition"
                ),
            )
        )
        assert await tables(connection) - groups.keys() == LOCAL
        assert len(set(groups.values())) == 1


async def test_distributing_again_changes_nothing(distributed: str) -> None:
    """The command may be repeated."""
    done = distribute(distributed)
    assert (done.returncode, done.stdout) == (0, "distributed: 0 tables\n")


async def test_later_partitions_follow(database: Database, distributed: str) -> None:
    """Partitions that maintenance creates are distributed like their table."""
    later = datetime.now(UTC) + timedelta(days=100)
    await database.transact("test", lambda c: create_partitions(c, later, later))
    async with on(distributed) as connection:
        missing = await connection.fetch(
            "select relname from pg_class where relispartition and relkind = 'r'"
            " and relname ~ '^(events|request_ids)_'"
            " and oid not in (select logicalrelid from pg_dist_partition)"
        )
    assert not missing


async def test_workers_sample_no_columns_about_persons(
    database: Database, distributed: str
) -> None:
    """Neither in tables that were distributed nor in partitions that were created later."""
    now = datetime.now(UTC)
    times = [now, now + timedelta(days=300)]
    await database.transact("test", lambda c: create_partitions(c, times[1], times[1]))
    async with on(distributed) as connection:
        await insert_events_and_contacts(connection, TENANT, times)
        await assert_no_samples_about_persons(connection, times)


async def test_sessions_on_workers_have_the_settings_of_the_authority(distributed: str) -> None:
    """A worker's session is durable, and logs no parameters, also if the server's settings differ."""
    async with on(distributed) as connection:
        for name, value in SESSION_SETTINGS.items():
            rows = await connection.fetch(RUN_ON_WORKERS, f"select current_setting('{name}')")
            assert {result for _, _, result in rows} == {value}


async def test_unsafe_settings_of_workers_are_found(database: Database, distributed: str) -> None:
    """A setting that is unsafe on one worker is reported with the worker's address.

    Logged statements contain values there, although parameters are not logged.
    """
    (worker, *_) = await citus_database.worker_addresses(distributed)
    alter = f"alter database {worker.rpartition('/')[2]}"
    async with on(worker) as connection:
        await connection.execute(f"{alter} set log_statement = 'mod'")
        await connection.execute(f"{alter} set log_parameter_max_length = 0")
    async with on(distributed) as fresh:
        found = await check_settings(fresh, DatabaseKind.DISTRIBUTED)  # type: ignore[arg-type]
    async with on(worker) as connection:
        await connection.execute(f"{alter} reset log_statement")
        await connection.execute(f"{alter} reset log_parameter_max_length")
    places = {(setting.name, setting.actual, setting.worker) for setting in found.unsafe}
    address = worker.rpartition("@")[2].partition("/")[0]
    assert ("log_statement", "mod", address) in places


async def test_a_worker_is_refused(distributed: str) -> None:
    """An authority that gets the address of a worker says what to do."""
    (worker, *_) = await citus_database.worker_addresses(distributed)
    with pytest.raises(UnsuitableDatabaseError, match="coordinator"):
        await database_kind(worker)


async def test_an_authority_refuses_tables_that_are_not_distributed(distributed: str) -> None:
    """A table that a migration has created must be distributed before the authority starts."""
    async with on(distributed) as connection:
        await connection.execute("create table later_table (tenant integer)")
        done = run_serve("--listen=127.0.0.1:0", HUSHPOST_DATABASE_URL=distributed)
        await connection.execute("drop table later_table")
    assert done.returncode == 1
    assert done.stderr == (
        "hushpost: the tables later_table are not distributed: run 'hushpost distribute'\n"
    )


async def test_tables_are_not_distributed_while_an_authority_runs(undistributed: str) -> None:
    """Its sessions have settings for a single server."""
    pool = await Database.connect(undistributed, connections=1, application_name="hushpost key 1")
    async with pool.connection("test"):
        done = distribute(undistributed)
    await pool.close()
    assert done.returncode == 1
    assert done.stderr == "hushpost: an authority is running: stop all of them first\n"


async def test_a_worker_that_is_added_later_gets_the_settings_of_the_others() -> None:
    """When the command is repeated."""
    address = await citus_database.new_cluster_database(workers=1)
    try:
        _, first, later, *_ = await citus_database.server_addresses(address)
        before = await settings_of_sessions(later)
        await citus_database.add_worker(address, later)
        done = distribute(address)
        settings = [await settings_of_sessions(worker) for worker in (first, later)]
    finally:
        await citus_database.drop(address)
    assert (done.returncode, done.stdout) == (0, "distributed: 0 tables\n"), done.stderr
    assert before == set(), "control: they were missing"
    assert settings[1] == settings[0] >= {"synchronous_commit=on", "enable_seqscan=off"}


async def test_a_cluster_without_workers_is_refused() -> None:
    """Citus would keep all shards on the coordinator."""
    address = await citus_database.new_cluster_database(is_distributed=False, workers=0)
    try:
        done = distribute(address)
    finally:
        await citus_database.drop(address)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == ("hushpost: the cluster has no worker: add one with citus_add_node()\n")


async def test_a_worker_that_rejects_a_setting_is_named(distributed: str) -> None:
    """With the statement and the reason."""
    (worker, *_) = await citus_database.worker_addresses(distributed)
    alter = f"alter database {worker.rpartition('/')[2]}"
    async with on(worker) as connection:
        await connection.execute(f"{alter} set default_transaction_read_only = on")
        try:
            done = distribute(distributed)
        finally:
            await connection.execute(f"{alter} reset default_transaction_read_only")
    address = worker.rpartition("@")[2].partition("/")[0]
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f'hushpost: worker {address} has rejected "{alter} set ')
    assert "read-only transaction" in done.stderr
