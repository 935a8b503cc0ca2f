"""`hushpost distribute` says what is missing before it distributes a table."""

from pathlib import Path

from tests.conftest import RunningAuthority
from tests.sql.conftest import new_database

from .conftest import Command


async def test_an_embedded_database_is_not_distributed(hushpost: Command, tmp_path: Path) -> None:
    """HUSHPOST_DATABASE_URL is needed. No embedded database is created."""
    done = await hushpost("distribute", environment={"HUSHPOST_DATA_DIR": "data"})

    assert (done.code, done.out) == (2, "")
    assert done.err == (
        "hushpost: HUSHPOST_DATABASE_URL is not set: an embedded database cannot be distributed\n"
    )
    assert not (tmp_path / "data").exists()


async def test_a_server_without_citus_is_refused(
    hushpost: Command, authority: RunningAuthority
) -> None:
    """The message says how to get the extension."""
    async with new_database(authority) as address:
        done = await hushpost("distribute", environment={"HUSHPOST_DATABASE_URL": address})

    assert (done.code, done.out) == (1, "")
    assert done.err == (
        "hushpost: the extension Citus is not installed in the database: run 'create extension "
        "citus' in it on all servers, then add the workers with citus_add_node()\n"
    )
