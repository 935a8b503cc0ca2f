"""`hushpost serve` migrates databases that are empty or current, and refuses too new ones."""

import asyncio
import re
import subprocess
from pathlib import Path

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory

from hushpost_service.storage import revisions
from hushpost_service.storage.schema import SchemaError, migrate
from tests.authority import HUSHPOST
from tests.inspection import on

TIMEOUT_SECONDS = 60


def _known_revisions() -> list[str]:
    """Return the revisions of this release, newest first."""
    config = Config()
    config.set_main_option("script_location", str(revisions.MIGRATIONS))
    scripts = ScriptDirectory.from_config(config)
    return [script.revision for script in scripts.walk_revisions()]


async def _catalog(uri: str) -> list[tuple[object, ...]]:
    """Return all tables, columns, indexes and the revision, with ids that a rewrite changes."""
    async with on(uri) as connection:
        rows = await connection.fetch(
            "select relname, relkind, pg_class.oid, relfilenode, attname, format_type(atttypid,"
            " atttypmod), attnotnull, pg_get_indexdef(indexrelid) from pg_class"
            " left join pg_attribute on attrelid = pg_class.oid and attnum > 0"
            " left join pg_index on indexrelid = pg_class.oid"
            " where relnamespace = 'public'::regnamespace order by relname, attnum"
        )
        revisions = await connection.fetch("select version_num, xmin from alembic_version")
    return [tuple(row) for row in [*rows, *revisions]]


def _run_serve(uri: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    """Run `hushpost serve`, which is expected to exit with an error."""
    return subprocess.run(
        [HUSHPOST, "serve", "--listen", "127.0.0.1:0", "--data-dir", folder],
        env={"HUSHPOST_DATABASE_URL": uri},
        capture_output=True,
        text=True,
        timeout=TIMEOUT_SECONDS,
        check=False,
    )


def _has_files(folder: Path) -> bool:
    return any(path.is_file() for path in folder.rglob("*"))


def test_the_files_of_the_revisions_are_named_after_them() -> None:
    """What is compared with the database without Alembic is what Alembic would compare."""
    names = [revision.number for revision in revisions.known_revisions()]
    assert names[::-1] == _known_revisions()


async def test_an_empty_database_is_migrated_to_the_newest_revision(empty_database: str) -> None:
    """All revisions are applied, and the newest is stored as the current one."""
    await migrate(empty_database)
    (head,) = _known_revisions()[:1]
    async with on(empty_database) as connection:
        revisions = await connection.fetch("select version_num from alembic_version")
        tables = await connection.fetchval(
            "select count(*) from pg_class where relnamespace = 'public'::regnamespace"
            " and relkind in ('r', 'p')"
        )
    assert [revision for (revision,) in revisions] == [head]
    assert tables > 10


async def test_a_current_database_is_not_changed(empty_database: str) -> None:
    """Migrating a second time changes nothing in the catalog."""
    await migrate(empty_database)
    before = await _catalog(empty_database)
    await migrate(empty_database)
    assert await _catalog(empty_database) == before


async def test_concurrent_processes_migrate_once(empty_database: str) -> None:
    """Of several processes that find an empty database, one migrates and the others wait."""
    await asyncio.gather(*(migrate(empty_database) for _ in range(4)))
    async with on(empty_database) as connection:
        assert await connection.fetchval("select count(*) from alembic_version") == 1


async def test_a_schema_that_is_too_new_is_refused(empty_database: str, tmp_path: Path) -> None:
    """`serve` exits with an error if a later release has removed what this one uses."""
    await migrate(empty_database)
    async with on(empty_database) as connection:
        await connection.execute("update alembic_version set version_num = '9999'")
        await connection.execute("update schema_compatibility set needed_revision = '9998'")
    before = await _catalog(empty_database)
    done = _run_serve(empty_database, tmp_path)
    assert done.returncode == 1
    assert done.stdout == ""
    assert re.fullmatch(r"hushpost: .*schema revision 9999.*newer.*\n", done.stderr), done.stderr
    assert await _catalog(empty_database) == before
    assert not _has_files(tmp_path), "no keyring was created"


async def test_a_newer_schema_that_this_release_can_use_is_left_alone(
    empty_database: str,
) -> None:
    """After a rollback, a release starts on pre-deploy revisions of the next one."""
    await migrate(empty_database)
    async with on(empty_database) as connection:
        await connection.execute("update alembic_version set version_num = '9999'")
        before = await _catalog(empty_database)
        await migrate(empty_database)
        assert await _catalog(empty_database) == before
        await connection.execute("update schema_compatibility set needed_revision = '9998'")
    with pytest.raises(SchemaError, match="9999"):
        await migrate(empty_database)


def test_an_unreachable_database_is_reported_in_one_line(tmp_path: Path) -> None:
    """`serve` exits with the reason, without a traceback and without the password."""
    done = _run_serve("postgresql://postgres:sesame@127.0.0.1:1/none", tmp_path)
    assert done.returncode == 1
    assert re.fullmatch(r"hushpost: the database cannot be reached.*\n", done.stderr), done.stderr
    assert "sesame" not in done.stdout + done.stderr
