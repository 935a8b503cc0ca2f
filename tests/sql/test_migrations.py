"""What `hushpost serve` does to databases that are empty, current, or newer than it."""

import asyncio
import re
import subprocess
from pathlib import Path

from alembic.config import Config
from alembic.script import ScriptDirectory

from hushpost_service.storage import schema
from hushpost_service.storage.schema import migrate
from tests.authority import HUSHPOST
from tests.inspection import on

SECONDS = 60


def _known_revisions() -> list[str]:
    config = Config()
    config.set_main_option("script_location", str(Path(schema.__file__).with_name("migrations")))
    scripts = ScriptDirectory.from_config(config)
    return [script.revision for script in scripts.walk_revisions()]


async def _shape(uri: str) -> list[tuple[object, ...]]:
    """Return all that a database consists of, with the numbers that a rewrite would change."""
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


def _serve(uri: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    """Run an authority that is to end by itself."""
    return subprocess.run(
        [HUSHPOST, "serve", "--listen", "127.0.0.1:0", "--data-dir", folder],
        env={"HUSHPOST_DATABASE_URL": uri},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )


def _has_files(folder: Path) -> bool:
    return any(path.is_file() for path in folder.rglob("*"))


async def test_an_empty_database_is_brought_to_the_newest_schema(empty: str) -> None:
    """All revisions run, in one go, and the last is what the database says it has."""
    await migrate(empty)
    (head,) = _known_revisions()[:1]
    async with on(empty) as connection:
        revisions = await connection.fetch("select version_num from alembic_version")
        tables = await connection.fetchval(
            "select count(*) from pg_class where relnamespace = 'public'::regnamespace"
            " and relkind in ('r', 'p')"
        )
    assert [revision for (revision,) in revisions] == [head]
    assert tables > 10


async def test_a_current_database_is_left_alone(empty: str) -> None:
    """Migrating again changes nothing at all."""
    await migrate(empty)
    before = await _shape(empty)
    await migrate(empty)
    assert await _shape(empty) == before


async def test_processes_that_start_at_once_migrate_once(empty: str) -> None:
    """Of several that find an empty database one migrates, and the others find it done."""
    await asyncio.gather(*(migrate(empty) for _ in range(4)))
    async with on(empty) as connection:
        assert await connection.fetchval("select count(*) from alembic_version") == 1


async def test_a_newer_schema_is_refused(empty: str, tmp_path: Path) -> None:
    """A database that a later version has migrated is neither served nor touched."""
    await migrate(empty)
    async with on(empty) as connection:
        await connection.execute("update alembic_version set version_num = '9999'")
    before = await _shape(empty)
    done = _serve(empty, tmp_path)
    assert done.returncode == 1
    assert done.stdout == ""
    assert re.fullmatch(r"hushpost: .*schema revision 9999.*newer.*\n", done.stderr), done.stderr
    assert await _shape(empty) == before
    assert not _has_files(tmp_path), "no keyring has been made"


def test_a_database_that_is_not_there_is_said_in_one_line(tmp_path: Path) -> None:
    """An address where no database answers ends the start with its reason, not a traceback."""
    done = _serve("postgresql://postgres:sesame@127.0.0.1:1/none", tmp_path)
    assert done.returncode == 1
    assert re.fullmatch(r"hushpost: the database cannot be reached.*\n", done.stderr), done.stderr
    assert "sesame" not in done.stdout + done.stderr
