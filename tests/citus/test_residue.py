"""No file of any server says which contact an anonymous event was of."""

import os
import struct
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from hushpost_client import DoNotTrack, Event, Verdict
from tests.authority import AuthorityProcess
from tests.citus_database import worker_addresses
from tests.conftest import RunningAuthority
from tests.inspection import Connection, connected, contact_number, database_uri, on, tenant_number
from tests.mailing import clients_of, exact_count, send
from tests.privacy.wal import names_of_files

READERS = [f"canary-{number:03}@mail.example.com" for number in range(60)]
HIDDEN, IN_FLIGHT, KNOWN = READERS[:20], READERS[20:40], READERS[40:]

OF_PREFERENCES = (
    "contacts",
    "preference_changes",
    "anonymization_jobs",
    "pg_statistic",
    "pg_toast_2619",
)
"""Prefixes of relations that may contain contacts, independently of what they did."""

SAMPLES = """
select tablename || '.' || attname as name, s::text as text
from pg_stats s where schemaname = 'public'
"""


@dataclass(frozen=True)
class Town:
    """The servers of a database with events, and the numbers of contacts by id."""

    servers: list[str]
    numbers: dict[str, int]


@pytest.fixture(scope="module")
async def town(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Town]:
    """Contacts who opted out before their mail or their event, and others, have all acted."""
    async with AsyncExitStack() as stack:
        folder = tmp_path_factory.mktemp("residue")
        process = stack.enter_context(AuthorityProcess(folder))
        authority = RunningAuthority.of(process)
        clients = await clients_of(stack, authority)
        for name in HIDDEN:
            await clients.sender.preferences.set_preference(name, DoNotTrack.TRUE)
        mailing = await send(clients, READERS)
        for name in IN_FLIGHT:
            await clients.sender.preferences.set_preference(name, DoNotTrack.TRUE)
        await mailing.open(*READERS)
        await clients.edge.tracking.record_events(
            [
                Event(token, link_number=1, verdict=Verdict.HUMAN)
                for token in mailing.tokens.values()
            ]
        )
        opens = (await mailing.stats()).opens.human
        assert exact_count(opens.anonymous).total == len(HIDDEN) + len(IN_FLIGHT)
        async with connected(process.data_dir) as database:
            await database.execute("analyze")
            tenant = await tenant_number(database, clients.tenant_id)
            numbers = {name: await contact_number(database, tenant, name) for name in READERS}
        address = database_uri(process.data_dir)
        yield Town([address, *await worker_addresses(address)], numbers)


async def _files(connection: Connection) -> Iterator[tuple[str, bytes]]:
    """Return names and contents of the files of a database, and of the server's other folders."""
    await connection.execute("set citus.override_table_visibility = off")
    await connection.execute("checkpoint")
    folder = await connection.fetchval("show data_directory")
    own = await connection.fetchval(
        "select oid::text from pg_database where datname = current_database()"
    )
    return _contents(Path(folder), own, await names_of_files(connection))


def _contents(folder: Path, own: str, names: dict[str, str]) -> Iterator[tuple[str, bytes]]:
    if not folder.exists():
        pytest.skip("the servers are not on this machine")
    for parent, folders, files in os.walk(folder):
        # The WAL names contacts whose preferences were written; `test_recording_traces` tests what
        # events write to it. Other tests may drop the other databases meanwhile.
        match Path(parent).relative_to(folder).parts:
            case ():
                folders.remove("pg_wal")
            case ("base",):
                folders[:] = [own, "pgsql_job_cache"]
        for file in (Path(parent, name) for name in files):
            if file.is_file():
                node = file.name.split(".")[0].split("_")[0]
                yield names.get(f"1663/{own}/{node}", str(file)), file.read_bytes()


def _found(name: str, number: int, content: bytes) -> bool:
    forms = (name.encode(), struct.pack("<q", number), struct.pack(">q", number), b"%d" % number)
    return any(form in content for form in forms)


async def test_files_contain_only_preferences_of_anonymous_contacts(town: Town) -> None:
    """Only tables of preferences contain contacts who opted out, on any server."""
    places: dict[str, set[str]] = {"anonymous": set(), "known": set()}
    for server in town.servers:
        async with on(server) as connection:
            for place, content in await _files(connection):
                if place.startswith(OF_PREFERENCES):
                    continue
                for name, number in town.numbers.items():
                    if _found(name, number, content):
                        places["known" if name in KNOWN else "anonymous"].add(place)
    assert any(place.startswith("events_") for place in places["known"]), "control"
    assert places["anonymous"] == set()


async def test_statistics_contain_only_preferences(town: Town) -> None:
    """Of other tables than those of preferences, the planner's statistics contain no contact."""
    columns = 0
    for server in town.servers:
        async with on(server) as connection:
            await connection.execute("set citus.override_table_visibility = off")
            for place, text in await connection.fetch(SAMPLES):
                if place.startswith(OF_PREFERENCES):
                    continue
                columns += 1
                forms = [
                    form for name, number in town.numbers.items() for form in (name, str(number))
                ]
                assert not [form for form in forms if form in text], place
    assert columns > 10, "control: there are statistics"
