"""`hushpost migrate` brings a database to the newest schema; `serve --no-migrate` leaves it to that."""

import asyncio
import re
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

import hushpost_service
from hushpost_service.storage import schema
from hushpost_service.storage.revisions import Phase, target
from hushpost_service.storage.schema import SchemaError, migrate, require_migrated
from tests.added_revision import AddRevision
from tests.authority import AuthorityProcess
from tests.conftest import RunningAuthority
from tests.inspection import on
from tests.sql.conftest import new_database

from .conftest import Command, Outcome

NEWEST = target(post_deploy=False)
MIGRATED = f"migrated the schema from revision none to {NEWEST}\n"
NOTHING_TO_DO = f"schema revision {NEWEST}: nothing to migrate\n"


@pytest.fixture
async def empty_database(authority: RunningAuthority) -> AsyncIterator[str]:
    """The address of an empty database, one per test."""
    async with new_database(authority) as uri:
        yield uri


async def tables(uri: str) -> list[tuple[str, int]]:
    """Return the tables of a database, and the number of the file of each."""
    async with on(uri) as connection:
        rows = await connection.fetch(
            "select relname, relfilenode from pg_class"
            " where relnamespace = 'public'::regnamespace order by relname"
        )
    return [tuple(row) for row in rows]


async def run_migrate(hushpost: Command, uri: str, **variables: str) -> Outcome:
    """Run `hushpost migrate` on a database."""
    return await hushpost("migrate", environment={"HUSHPOST_DATABASE_URL": uri, **variables})


async def test_an_empty_database_is_migrated_once(hushpost: Command, empty_database: str) -> None:
    """The first run says from which revision to which; the second changes nothing."""
    first = await run_migrate(hushpost, empty_database)
    assert (first.code, first.out) == (0, MIGRATED)
    before = await tables(empty_database)
    assert len(before) > 10
    second = await run_migrate(hushpost, empty_database)
    assert (second.code, second.out, second.err) == (0, NOTHING_TO_DO, "")
    assert await tables(empty_database) == before


async def test_of_several_processes_one_migrates(hushpost: Command, empty_database: str) -> None:
    """Jobs that run at the same time all succeed, and exactly one says that it has migrated."""
    done = await asyncio.gather(*(run_migrate(hushpost, empty_database) for _ in range(3)))
    assert [each.code for each in done] == [0, 0, 0]
    assert sorted(each.out for each in done) == [MIGRATED, NOTHING_TO_DO, NOTHING_TO_DO]


async def test_the_embedded_database_is_migrated(hushpost: Command, tmp_path: Path) -> None:
    """Without HUSHPOST_DATABASE_URL, it starts the database of --data-dir and stops it again."""
    process = AuthorityProcess(tmp_path)
    done = await hushpost("migrate", "--data-dir", process.data_dir)
    assert (done.code, done.out) == (0, MIGRATED)
    assert process.postgres_pid() is None


async def test_post_deploy_revisions_need_an_option(
    hushpost: Command, empty_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only `--post-deploy` applies the revision that removes something."""
    service = tmp_path / "release" / "hushpost_service"
    without_schema = shutil.ignore_patterns("migrations")
    shutil.copytree(hushpost_service.__path__[0], service, ignore=without_schema)
    add_revision = AddRevision(service / "storage", monkeypatch)
    post_deploy = add_revision(Phase.POST_DEPLOY, "alter table tenants drop column display_name")
    environment = {"HUSHPOST_DATABASE_URL": empty_database, "PYTHONPATH": str(service.parent)}
    done = await hushpost("migrate", environment=environment)
    assert (done.code, done.out) == (0, MIGRATED)
    done = await hushpost("migrate", "--post-deploy", environment=environment)
    expected = f"migrated the schema from revision {NEWEST} to {post_deploy}\n"
    assert (done.code, done.out) == (0, expected)


async def test_a_schema_that_is_too_new_is_an_error(hushpost: Command, empty_database: str) -> None:
    """The schema of a later release is not touched: exit code 1, and one line."""
    await migrate(empty_database)
    async with on(empty_database) as connection:
        await connection.execute("update alembic_version set version_num = '9999'")
        await connection.execute("update schema_compatibility set needed_revision = '9998'")
    done = await run_migrate(hushpost, empty_database)
    assert (done.code, done.out) == (1, "")
    assert re.fullmatch(r"hushpost: .*schema revision 9999.*newer.*\n", done.err), done.err


async def test_an_unreachable_database_is_an_error(hushpost: Command) -> None:
    """Exit code 1 and one line, without the password."""
    done = await run_migrate(hushpost, "postgresql://postgres:sesame@127.0.0.1:1/none")
    assert (done.code, done.out) == (1, "")
    assert re.fullmatch(r"hushpost: the database cannot be reached.*\n", done.err), done.err
    assert "sesame" not in done.err


async def test_serve_without_migration_refuses_an_empty_database(
    hushpost: Command, empty_database: str, tmp_path: Path
) -> None:
    """It names the command that migrates, and creates neither a schema nor a keyring."""
    done = await hushpost(
        *("serve", "--no-migrate", "--listen=127.0.0.1:0", "--data-dir=data"),
        environment={"HUSHPOST_DATABASE_URL": empty_database},
    )
    assert (done.code, done.out) == (1, "")
    assert re.fullmatch(
        rf"hushpost: the database has no schema yet.* needs revision {NEWEST}.*"
        r"`hushpost migrate` first\n",
        done.err,
    ), done.err
    assert await tables(empty_database) == []
    assert not (tmp_path / "data").exists()


async def test_serve_without_migration_starts_after_migrate(
    hushpost: Command, empty_database: str, tmp_path: Path
) -> None:
    """The command migrates although HUSHPOST_MIGRATE, which all share, is false; serve starts."""
    variables = {"HUSHPOST_DATABASE_URL": empty_database, "HUSHPOST_MIGRATE": "false"}
    done = await run_migrate(hushpost, empty_database, HUSHPOST_MIGRATE="false")
    assert (done.code, done.out) == (0, MIGRATED)
    with AuthorityProcess(tmp_path, environment=variables) as process:
        assert process.stop() == 0


async def test_an_older_revision_is_named(
    empty_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A release with a later revision names both, and accepts the database of its own."""
    await migrate(empty_database)
    await require_migrated(empty_database)
    monkeypatch.setattr(schema, "target", lambda **_: "9998")
    message = f"has schema revision {NEWEST}, but this release needs revision 9998"
    with pytest.raises(SchemaError, match=message):
        await require_migrated(empty_database)
