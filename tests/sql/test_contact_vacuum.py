"""Rows of contacts are left so that looking up a preference changes no byte of them."""

import asyncio
import signal
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from hushpost_client import DoNotTrack as Choice
from hushpost_service.domain.modes import ContactPreference, DoNotTrack
from hushpost_service.storage import contacts, recording
from hushpost_service.storage.connection import Connection as PoolConnection
from hushpost_service.storage.database import Database
from hushpost_service.storage.embedded import EmbeddedDatabase
from hushpost_service.storage.schema import migrate
from tests.authority import AuthorityProcess
from tests.conftest import Clients, RunningAuthority
from tests.inspection import database_uri, on
from tests.mailing import eventually, send

RELATIONS = ("contacts", "contacts_pkey")
"""Where the recorder reads."""

MANY = 400
"""Contacts that fill some pages."""

Make = Callable[[PoolConnection, int, Sequence[str]], Awaitable[object]]
Write = Callable[[Database, int, Sequence[int]], Awaitable[None]]


async def _make_in_vain(connection: PoolConnection, tenant: int, names: Sequence[str]) -> None:
    """Make contacts known of whom somebody else has made the last known."""
    await contacts.insert_missing_contacts(connection, tenant, [max(names)])
    assert await contacts.try_insert_contacts(connection, tenant, names) is None
    await contacts.insert_missing_contacts(connection, tenant, names)


async def _insert(
    pool: Database, tenant: int, make: Make = contacts.insert_missing_contacts
) -> list[int]:
    """Make contacts known, and return their numbers."""
    names = [f"contact-{number}@mail.example.com" for number in range(MANY)]

    async def work(connection: PoolConnection) -> list[int]:
        await make(connection, tenant, names)
        found = await contacts.contacts(connection, tenant, names)
        return [contact.number for contact in found.values()]

    return await pool.transact("test", work)


async def _update(pool: Database, tenant: int, numbers: Sequence[int]) -> None:
    """Change preferences."""
    now = datetime.now(UTC)
    changed = [
        (number, ContactPreference(DoNotTrack.TRUE, now, (now, None, None))) for number in numbers
    ]
    await pool.transact("test", lambda c: contacts.update_preferences(c, tenant, changed))


async def _delete(pool: Database, tenant: int, numbers: Sequence[int]) -> None:
    """Erase some contacts."""
    for number in numbers[::7]:
        async with pool.connection("test") as connection:
            name = await contacts.contact_id(connection, tenant, number)
            await contacts.delete_contact(connection, tenant, name or "")


async def _rewrite(pool: Database, tenant: int, numbers: Sequence[int]) -> None:
    """Change preferences, again and again."""
    for _ in range(5):
        await _update(pool, tenant, numbers)


async def _bytes(uri: str) -> list[bytes]:
    """Return the files of contacts as they are on disk after a checkpoint."""
    async with on(uri) as connection:
        await connection.execute("checkpoint")
        return [
            await connection.fetchval(
                "select pg_read_binary_file(pg_relation_filepath($1::regclass))", relation
            )
            for relation in RELATIONS
        ]


async def _look_up(pool: Database, tenant: int, numbers: Sequence[int]) -> None:
    """Look up preferences as a recording transaction does."""
    async with pool.connection("test") as connection:
        now = datetime.now(UTC)
        await recording.load_recording_inputs(connection, tenant, [], numbers, now, now)


async def _settle(pool: Database, tenant: int, numbers: Sequence[int]) -> None:
    async with pool.connection("test") as connection:
        await contacts.set_hint_bits(connection, tenant, numbers)


async def _vacuum(pool: Database) -> None:
    async def is_clean() -> bool:
        async with pool.connection("test") as connection:
            return await contacts.vacuum(connection)

    await eventually(is_clean, "nothing is left over")


@pytest.fixture
async def lonely(migrated: str) -> int:
    """A tenant without contacts, and a table that nothing else vacuums."""
    async with on(migrated) as connection:
        await connection.execute("alter table contacts set (autovacuum_enabled = off)")
        highest = await connection.fetchval("select coalesce(max(tenant), 100) from contacts")
    return int(highest) + 1


@pytest.mark.parametrize(
    "make", [contacts.insert_missing_contacts, contacts.try_insert_contacts, _make_in_vain]
)
async def test_new_contacts_are_settled_by_reading(
    pool: Database, migrated: str, lonely: int, make: Make
) -> None:
    """Once their maker has read them, nobody's reading shows; before that the first one's does."""
    numbers = await _insert(pool, lonely, make)
    before = await _bytes(migrated)
    await _look_up(pool, lonely, numbers[:1])
    assert await _bytes(migrated) != before, "this is what there is to hide"
    await _settle(pool, lonely, numbers)
    before = await _bytes(migrated)
    for number in numbers[::50]:
        await _look_up(pool, lonely, [number])
        assert await _bytes(migrated) == before


@pytest.mark.parametrize("write", [_update, _rewrite, _delete])
async def test_changed_contacts_are_settled_by_a_vacuum(
    pool: Database, migrated: str, lonely: int, write: Write
) -> None:
    """Once it has been round, no look-up changes a byte: not of those changed, nor of others."""
    numbers = await _insert(pool, lonely)
    await _vacuum(pool)
    await write(pool, lonely, numbers[::2])
    before = await _bytes(migrated)
    await _look_up(pool, lonely, numbers)
    assert await _bytes(migrated) != before, "this is what there is to hide"
    await write(pool, lonely, numbers[::2])
    await _settle(pool, lonely, numbers[::2])
    await _vacuum(pool)
    before = await _bytes(migrated)
    await _look_up(pool, lonely, numbers)
    assert await _bytes(migrated) == before


async def test_what_is_settled_stays_so_through_a_crash(tmp_path: Path) -> None:
    """The vacuum's work is in the log: a server that was killed has nothing to note again."""
    process = AuthorityProcess(tmp_path)
    server = EmbeddedDatabase(process.data_dir)
    uri = await server.start()
    try:
        await migrate(uri)
        pool = await Database.connect(uri, connections=1)
        numbers = await _insert(pool, 1)
        await _settle(pool, 1, numbers)
        await _vacuum(pool)
        # Whatever is recorded commits, and with it all that is in the log before.
        await _insert(pool, 2)
        await asyncio.to_thread(process.end_postgres, signal.SIGKILL)
        await pool.close()
        await server.start()
        pool = await Database.connect(uri, connections=1)
        before = await _bytes(uri)
        await _look_up(pool, 1, numbers)
        await pool.close()
        assert await _bytes(uri) == before
    finally:
        await server.stop()


async def test_the_service_settles_what_it_has_written(
    authority: RunningAuthority, clients: Clients
) -> None:
    """After tokens, preferences and erasures nothing is left over for the recorder to do."""
    names = [f"reader-{number}" for number in range(20)]
    mailing = await send(clients, names)
    for name in names[:5]:
        await clients.sender.preferences.set_preference(name, Choice.TRUE)
    await clients.sender.preferences.erase_contact(names[-1])
    uri = database_uri(authority.process.data_dir)

    async def is_settled() -> bool:
        async with on(uri) as connection:
            counted = await connection.fetchrow(
                "select relallvisible, relpages from pg_class where relname = 'contacts'"
            )
        assert counted is not None
        return bool(counted[0] == counted[1] > 0)

    await eventually(is_settled, "every page of contacts is clean")
    before = await _bytes(uri)
    await mailing.open(*names)
    assert await _bytes(uri) == before
