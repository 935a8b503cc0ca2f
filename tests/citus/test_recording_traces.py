"""An anonymous event leaves no trace of its contact in the WAL or in the files of any server."""

import hashlib
import os
import struct
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pytest

from hushpost_client import DoNotTrack, Event, PreferenceEntry, Verdict
from tests.authority import AuthorityProcess
from tests.citus_database import worker_addresses
from tests.conftest import Clients, RunningAuthority
from tests.inspection import Connection, connected, contact_number, database_uri, on, tenant_number
from tests.mailing import Mailing, clients_of, send
from tests.privacy.wal import names_of_files, position, raw, records, written
from tests.waiting import eventually

ROUNDS = 8
RUN = uuid.uuid4().hex[:12]
"""Other tests use other names: the WAL of a server is that of all databases."""

HIDDEN, IN_FLIGHT, KNOWN = (
    [f"{kind}-{number}-{RUN}@mail.example.com" for number in range(ROUNDS)]
    for kind in ("hidden", "in-flight", "known")
)

LOCKED = f"locked-{RUN}@mail.example.com"

VACUUM_SECONDS = 2
"""How long after a write the authority vacuums contacts."""

VACUUMED = """
select coalesce(bool_and(last_vacuum > $1 and n_dead_tup = 0), true)
from pg_stat_user_tables where relname ~ '^contacts_[0-9]+$' and n_live_tup + n_dead_tup > 0
"""

FOLDER_AND_PROGRAMS = """
select current_setting('data_directory'), (select setting from pg_config where name = 'BINDIR')
"""

FILES_OF_CONTACTS = """
select relname, pg_relation_filepath(oid)
from pg_class where relname ~ '^contacts_' and pg_relation_filenode(oid) is not null
"""


@dataclass
class Server:
    """A server of the cluster, with a connection to the database of the test."""

    connection: Connection
    folder: Path
    programs: Path
    names: dict[str, str] = field(default_factory=dict)

    async def files_of_contacts(self) -> dict[str, str]:
        """Return digests of the files of tables of contacts and of their indexes."""
        await self.connection.execute("checkpoint")
        files = await self.connection.fetch(FILES_OF_CONTACTS)
        return {name: _digest(self.folder / path) for name, path in files}

    async def relations_in_wal(self, start: str) -> set[str]:
        """Return the relations of this database that records since a position touch."""
        end = await written(self.connection)
        if position(end) == position(start):
            return set()
        since = records(self.folder, self.names, start, end, self.programs)
        return {
            relation
            for record in since
            for relation, _ in record.blocks
            if relation in self.names.values()
        }


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


@dataclass(frozen=True)
class Town:
    """The servers, a campaign, and the numbers of its contacts by id."""

    servers: list[Server]
    mailing: Mailing
    tenant: int
    numbers: dict[str, int]

    async def act(self, name: str) -> None:
        """Record an open and a click of a contact."""
        tracking = self.mailing.clients.edge.tracking
        token = self.mailing.tokens[name]
        events = [Event(token, link_number=link, verdict=Verdict.HUMAN) for link in (None, 1)]
        assert not (await tracking.record_events(events)).rejected

    async def lock_row(self) -> None:
        """Lock the row of a contact who does not act, as events must not."""
        await self.servers[0].connection.execute(
            "select from contacts where tenant = $1 and contact_id = $2 for share",
            self.tenant,
            LOCKED,
        )

    def is_named_in(self, content: bytes, name: str) -> bool:
        """Return whether a part of the WAL contains a contact's id or number."""
        number = self.numbers[name]
        forms = (name.encode(), struct.pack("<q", number), struct.pack(">q", number))
        return any(form in content for form in (*forms, b"%d" % number))


async def _choose(clients: Clients, names: Sequence[str], choice: DoNotTrack) -> None:
    await clients.sender.preferences.batch_set_preferences(
        [PreferenceEntry(name, choice) for name in names]
    )


async def _server(stack: AsyncExitStack, address: str) -> Server:
    connection = await stack.enter_async_context(on(address))
    await connection.execute("set citus.override_table_visibility = off")
    row = await connection.fetchrow(FOLDER_AND_PROGRAMS)
    assert row is not None
    folder, programs = map(Path, row)
    if not os.access(folder / "pg_wal", os.R_OK):
        pytest.skip("the servers are not on this machine, or belong to another user")
    return Server(connection, folder, programs, await names_of_files(connection))


@pytest.fixture(scope="module")
async def town(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Town]:
    """Contacts who opted out before or after their mail was sent, and others; no one has acted."""
    async with AsyncExitStack() as stack:
        process = stack.enter_context(AuthorityProcess(tmp_path_factory.mktemp("traces")))
        authority = RunningAuthority.of(process)
        clients = await clients_of(stack, authority)
        await _choose(clients, [*HIDDEN, LOCKED], DoNotTrack.TRUE)
        await _choose(clients, KNOWN, DoNotTrack.FALSE)
        mailing = await send(clients, [*HIDDEN, *IN_FLIGHT, *KNOWN])
        await _choose(clients, IN_FLIGHT, DoNotTrack.TRUE)
        database = await stack.enter_async_context(connected(process.data_dir))
        tenant = await tenant_number(database, clients.tenant_id)
        numbers = {name: await contact_number(database, tenant, name) for name in mailing.tokens}
        address = database_uri(process.data_dir)
        addresses = [address, *await worker_addresses(address)]
        servers = [await _server(stack, each) for each in addresses]
        changed = await database.fetchval(
            f"select clock_timestamp() + interval '{VACUUM_SECONDS} seconds'"
        )

        async def not_vacuumed() -> int:
            return sum([not await each.connection.fetchval(VACUUMED, changed) for each in servers])

        await eventually(not_vacuumed, 0)
        yield Town(servers, mailing, tenant, numbers)


async def _relations_written(town: Town, act: Callable[[], Awaitable[None]]) -> set[str]:
    """Do something; return the relations that the WAL of all servers names since then."""
    starts = [await written(server.connection) for server in town.servers]
    await act()
    return {
        relation
        for server, start in zip(town.servers, starts, strict=True)
        for relation in await server.relations_in_wal(start)
    }


@pytest.mark.parametrize("names", [HIDDEN, IN_FLIGHT], ids=["before", "in flight"])
async def test_no_record_of_an_anonymous_event_touches_contacts(
    town: Town, names: list[str]
) -> None:
    """Neither on the coordinator nor on a worker.

    Every other round follows a checkpoint, after which setting a hint bit writes a full page.
    """
    for number, name in enumerate(names):
        if number % 2:
            for server in town.servers:
                await server.connection.execute("checkpoint")
        relations = await _relations_written(town, partial(town.act, name))
        assert any(each.startswith("counters_") for each in relations), "control: it is recorded"
        assert not [each for each in relations if each.startswith(("contacts", "events"))]
    locked = await _relations_written(town, town.lock_row)
    assert any(each.startswith("contacts_") for each in locked), "control"


@pytest.mark.parametrize("names", [HIDDEN, IN_FLIGHT], ids=["before", "in flight"])
async def test_the_wal_of_an_anonymous_event_contains_no_contact(
    town: Town, names: list[str]
) -> None:
    """Neither its id nor its number; the control are contacts who allow tracking."""
    found: dict[str, bool] = {}
    for name in (*names, *KNOWN):
        starts = [await written(server.connection) for server in town.servers]
        await town.act(name)
        content = b"".join(
            [
                raw(server.folder, start, await written(server.connection))
                for server, start in zip(town.servers, starts, strict=True)
            ]
        )
        found[name] = town.is_named_in(content, name)
    assert [name for name in names if found[name]] == []
    assert all(found[name] for name in KNOWN), "control"


async def test_anonymous_events_change_no_file_of_contacts(town: Town) -> None:
    """Someone who compares copies of the files from before and after cannot tell who acted."""
    before = [await server.files_of_contacts() for server in town.servers]
    for name in (*HIDDEN, *IN_FLIGHT):
        await town.act(name)
    assert [await server.files_of_contacts() for server in town.servers] == before
    await town.lock_row()
    assert [await server.files_of_contacts() for server in town.servers] != before, "control"
