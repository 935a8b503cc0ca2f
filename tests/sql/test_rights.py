"""The authority checks at the start that its database role has the rights it needs later."""

import subprocess
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from hushpost_service.storage.rights import RightsError
from hushpost_service.storage.schema import migrate
from tests.authority import HUSHPOST, AuthorityProcess
from tests.conftest import RunningAuthority
from tests.inspection import database_uri, on

TIMEOUT_SECONDS = 30


@dataclass(frozen=True)
class RestrictedRole:
    """A role without special rights, and a new database that it may connect to."""

    name: str
    uri: str
    superuser_uri: str

    async def execute(self, script: str) -> None:
        """Execute statements as a superuser; `{role}` is the name of the role."""
        async with on(self.superuser_uri) as connection:
            await connection.execute(script.format(role=self.name))


@pytest.fixture
async def role(authority: RunningAuthority) -> AsyncIterator[RestrictedRole]:
    """A role without special rights, and a new database that it may connect to."""
    server = database_uri(authority.process.data_dir)
    name = f"r_{uuid.uuid4().hex[:12]}"
    async with on(server) as connection:
        await connection.execute(f"create role {name} login")
        await connection.execute(f"create database {name}")
    superuser_uri = server.replace("/postgres?", f"/{name}?")
    yield RestrictedRole(name, superuser_uri.replace("postgres@", f"{name}@"), superuser_uri)
    async with on(server) as connection:
        await connection.execute(f"drop database {name} with (force)")
        await connection.execute(f"drop role {name}")


def run_serve(uri: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    """Run `hushpost serve`, which is expected to exit with an error."""
    return subprocess.run(
        [HUSHPOST, "serve", "--listen=127.0.0.1:0", f"--data-dir={folder}"],
        env={"HUSHPOST_DATABASE_URL": uri},
        capture_output=True,
        text=True,
        timeout=TIMEOUT_SECONDS,
        check=False,
    )


async def test_a_role_that_may_not_create_tables_is_refused(
    role: RestrictedRole, tmp_path: Path
) -> None:
    """`serve` exits with code 1 and one line that names the right, before it changes anything."""
    done = run_serve(role.uri, tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"hushpost: the database role {role.name} lacks rights")
    assert line.endswith("CREATE on the schema public")


async def test_a_role_that_owns_no_table_is_refused(role: RestrictedRole) -> None:
    """A role that may read and write every row, but owns no table, cannot create partitions."""
    await migrate(role.superuser_uri)
    await role.execute(
        "grant all on schema public to {role};"
        "grant all on all tables in schema public to {role};"
        "grant all on all sequences in schema public to {role};"
        "create table events_2001_02 partition of events"
        " for values from ('2001-02-01') to ('2001-03-01')"
    )
    with pytest.raises(RightsError) as raised:
        await migrate(role.uri)
    _, _, owned = str(raised.value).partition("ownership of ")
    names = owned.split(", ")
    assert {"contacts", "events", "request_ids", "link_revisions", "alembic_version"} <= {*names}
    assert "events_2001_02" not in names, "a partition of a table that is listed"
    assert "CREATE" not in str(raised.value)


async def test_a_partition_of_another_owner_is_reported(role: RestrictedRole) -> None:
    """The check includes partitions, which the authority drops one day."""
    await role.execute("grant create on schema public to {role}")
    await migrate(role.uri)
    await role.execute("create table p partition of request_ids for values in (1)")
    with pytest.raises(RightsError, match=r"ownership of p$"):
        await migrate(role.uri)
    await role.execute("alter table p owner to {role}")
    await migrate(role.uri)


async def test_ownership_through_another_role_is_enough(role: RestrictedRole) -> None:
    """A member of the role that owns the tables has its rights."""
    member = f"{role.name}_member"
    await role.execute(f"grant create on schema public to {{role}}; create role {member} login")
    await migrate(role.uri)
    member_uri = role.uri.replace(f"{role.name}@", f"{member}@")
    try:
        with pytest.raises(RightsError, match=f"{member} lacks"):
            await migrate(member_uri)
        await role.execute(f"grant {{role}} to {member}")
        await migrate(member_uri)
    finally:
        await role.execute(f"drop role {member}")


async def test_a_role_with_these_rights_can_serve(role: RestrictedRole, tmp_path: Path) -> None:
    """The rights that are checked suffice to start: no superuser is needed."""
    await role.execute("grant create on schema public to {role}")
    environment = {"HUSHPOST_DATABASE_URL": role.uri}
    with AuthorityProcess(tmp_path, environment=environment) as process:
        async with on(role.superuser_uri) as connection:
            partitions = await connection.fetchval(
                "select count(*) from pg_inherits join pg_class on pg_class.oid = inhrelid"
                " where inhparent = 'events'::regclass and relowner = $1::text::regrole",
                role.name,
            )
        assert partitions > 2
        assert process.stop() == 0
    log = process.log_file.read_text()
    assert "failed" not in log, log
