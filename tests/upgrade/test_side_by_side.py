"""The previous version and this one serve one database, as they do during an upgrade."""

import asyncio
import os
import random
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from hushpost_client import PolicyUpdate, Release
from hushpost_service.storage import revisions
from hushpost_service.storage.schema import applied_schema
from tests.authority import AuthorityProcess
from tests.conftest import RunningAuthority, make_tenant
from tests.faults.load import IMPATIENT, PatientAuthority
from tests.inspection import on
from tests.mailing import clients_of
from tests.sql.conftest import new_database

from .mixed_load import Person, prepared
from .previous_version import HistoryError, newest_release, previous_version, unpack

PEOPLE = 30
EXACT = PolicyUpdate(release=Release.EXACT)
VERSIONS_FOLDER = Path("hushpost_service/storage/migrations/versions")


@dataclass(frozen=True)
class Versions:
    """Both versions on one database: the previous one started first, the present one migrated."""

    database: str
    source_roots: list[Path]
    previous: AuthorityProcess
    present: AuthorityProcess
    admin_key: str

    @property
    def previous_revisions(self) -> set[str]:
        """The numbers of the revisions that the previous version knows."""
        return {*_scripts(self.source_roots[1] / VERSIONS_FOLDER)}


@pytest.fixture(scope="module")
def previous_roots(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The source roots of the previous version."""
    try:
        roots = unpack(previous_version(), tmp_path_factory.mktemp("previous"))
    except HistoryError as error:
        pytest.skip(f"there is no previous version to run: {error}")
    old = _scripts(roots[1] / VERSIONS_FOLDER)
    present = _scripts(revisions.MIGRATIONS / "versions")
    if edited := sorted(number for number in old if old[number] != present.get(number)):
        assert newest_release() is None, f"released revisions were edited: {edited}"
        pytest.skip(f"revisions were edited, which is possible before a release: {edited}")
    return roots


@pytest.fixture(scope="module")
async def versions(
    authority: RunningAuthority,
    previous_roots: list[Path],
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Versions]:
    """Both versions, running."""
    folder = tmp_path_factory.mktemp("versions")
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(new_database(authority))
        environment = {"HUSHPOST_DATABASE_URL": database}
        path = {"PYTHONPATH": os.pathsep.join(map(str, previous_roots))}
        _assert_imports(previous_roots[1], path)
        previous = AuthorityProcess(folder / "previous", environment={**environment, **path})
        await asyncio.to_thread(previous.start)
        stack.callback(previous.__exit__)
        admin_key = await asyncio.to_thread(previous.admin_key)
        keyring = previous.data_dir / "keyring.json"
        present = AuthorityProcess(
            folder / "present", f"--keyring={keyring}", environment=environment
        )
        await asyncio.to_thread(present.start)
        stack.callback(present.__exit__)
        yield Versions(database, previous_roots, previous, present, admin_key)


async def test_both_versions_record_side_by_side(versions: Versions) -> None:
    """Nothing is refused, lost or counted twice, and a decision taken by one binds the other."""
    async with AsyncExitStack() as stack:
        previous, present = (
            PatientAuthority(process, process.target, versions.admin_key, IMPATIENT)
            for process in (versions.previous, versions.present)
        )
        keys = await make_tenant(previous, EXACT)
        both = (
            await clients_of(stack, previous, keys=keys),
            await clients_of(stack, present, keys=keys),
        )
        load = await prepared(both, PEOPLE, random.Random(7))  # noqa: S311 - repeatable
        await load.run()
        for clients in both:
            for campaign in load.tokens:
                load.assert_exact(await clients.reporter.stats.get_campaign_stats(campaign))
    async with on(versions.database) as connection:
        named = await connection.fetch(
            "select distinct split_part(contact_id, '-', 1) from events"
            " join contacts using (tenant, contact)"
        )
    assert [kind for (kind,) in named] == [Person.KNOWN]


async def test_the_previous_version_starts_again_after_the_migration(versions: Versions) -> None:
    """A rollback needs no change of the schema: a start applies pre-deploy revisions only."""
    async with on(versions.database) as connection:
        schema = await applied_schema(connection)
    is_known = schema.revision in versions.previous_revisions
    if not is_known and "0002" not in versions.previous_revisions:
        pytest.skip("the previous version refuses any newer schema")
    for process in (versions.present, versions.previous):
        assert await asyncio.to_thread(process.stop) == 0
    await asyncio.to_thread(versions.previous.start)
    assert await asyncio.to_thread(versions.previous.stop) == 0


def _assert_imports(service: Path, path: dict[str, str]) -> None:
    """Assert that a new interpreter imports the service from a source root."""
    done = subprocess.run(
        [sys.executable, "-c", "import hushpost_service; print(hushpost_service.__file__)"],
        env={**os.environ, **path},
        capture_output=True,
        text=True,
        check=True,
    )
    assert Path(done.stdout.strip()).is_relative_to(service)


def _scripts(versions_folder: Path) -> dict[str, str]:
    """Return the scripts of revisions by number."""
    return {file.name[:4]: file.read_text("utf-8") for file in versions_folder.glob("[0-9]*.sql")}
