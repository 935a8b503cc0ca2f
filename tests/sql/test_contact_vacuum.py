"""After contacts are written, later reads of them change no byte of the table's files.

A read that sets hint bits or prunes dead tuples writes WAL that names the page. That would
reveal whose preference a recording transaction looked up.
"""

import asyncio
import secrets
import signal
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from hushpost_client import DoNotTrack as ClientDoNotTrack
from hushpost_service.domain.consent import Consent
from hushpost_service.domain.contact_numbers import ContactNumbers
from hushpost_service.domain.modes import ContactPreference, PurposeConsent
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
"""The table and the index that the recorder reads."""

CONTACTS = 400
"""Enough to fill several pages."""

NUMBERS = ContactNumbers(secrets.randbelow)

Insert = Callable[[PoolConnection, int, Sequence[str], ContactNumbers], Awaitable[object]]
Write = Callable[[Database, int, Sequence[int]], Awaitable[None]]


async def _insert_after_failed_attempt(
    connection: PoolConnection, tenant: int, contact_ids: Sequence[str], numbers: ContactNumbers
) -> None:
    """Insert contacts after an attempt that fails because the last one exists already."""
    await contacts.insert_missing_contacts(connection, tenant, [max(contact_ids)], numbers)
    assert await contacts.try_insert_contacts(connection, tenant, contact_ids, numbers) is None
    await contacts.insert_missing_contacts(connection, tenant, contact_ids, numbers)


async def _create_contacts(
    database: Database, tenant: int, insert: Insert = contacts.insert_missing_contacts
) -> list[int]:
    """Insert contacts in a transaction; return their numbers."""
    contact_ids = [f"contact-{number}@mail.example.com" for number in range(CONTACTS)]

    async def work(connection: PoolConnection) -> list[int]:
        await insert(connection, tenant, contact_ids, NUMBERS)
        found = await contacts.contacts(connection, tenant, contact_ids)
        return [contact.number for contact in found.values()]

    return await database.transact("test", work)


async def _update_preferences(database: Database, tenant: int, numbers: Sequence[int]) -> None:
    now = datetime.now(UTC)
    denied = PurposeConsent(Consent.DENIED, now, (now, None, None))
    changed = [(number, ContactPreference(denied, denied)) for number in numbers]
    await database.transact("test", lambda c: contacts.update_preferences(c, tenant, changed))


async def _update_preferences_repeatedly(
    database: Database, tenant: int, numbers: Sequence[int]
) -> None:
    for _ in range(5):
        await _update_preferences(database, tenant, numbers)


async def _erase_some(database: Database, tenant: int, numbers: Sequence[int]) -> None:
    for number in numbers[::7]:
        async with database.connection("test") as connection:
            contact_id = await contacts.contact_id(connection, tenant, number)
            await contacts.delete_contact(connection, tenant, contact_id or "")


async def _file_contents(uri: str) -> list[bytes]:
    """Return the files of `RELATIONS` as they are on disk after a checkpoint."""
    async with on(uri) as connection:
        await connection.execute("checkpoint")
        return [
            await connection.fetchval(
                "select pg_read_binary_file(pg_relation_filepath($1::regclass))", relation
            )
            for relation in RELATIONS
        ]


async def _look_up(database: Database, tenant: int, numbers: Sequence[int]) -> None:
    """Read preferences as a recording transaction does."""
    async with database.connection("test") as connection:
        now = datetime.now(UTC)
        await recording.load_recording_inputs(connection, tenant, [], numbers, now, now)


async def _set_hint_bits(database: Database, tenant: int, numbers: Sequence[int]) -> None:
    async with database.connection("test") as connection:
        await contacts.set_hint_bits(connection, tenant, numbers)


async def _vacuum(database: Database) -> None:
    """Vacuum contacts until no dead tuples remain."""

    async def is_clean() -> bool:
        async with database.connection("test") as connection:
            return await contacts.vacuum(connection)

    await eventually(is_clean, "no dead tuples remain")


@pytest.fixture
async def new_tenant(migrated_database: str) -> int:
    """A tenant number without contacts; autovacuum of the table is off."""
    async with on(migrated_database) as connection:
        await connection.execute("alter table contacts set (autovacuum_enabled = off)")
        highest = await connection.fetchval("select coalesce(max(tenant), 100) from contacts")
    return int(highest) + 1


@pytest.mark.parametrize(
    "insert",
    [
        contacts.insert_missing_contacts,
        contacts.try_insert_contacts,
        _insert_after_failed_attempt,
    ],
)
async def test_lookup_of_new_contacts_changes_no_file_once_hint_bits_are_set(
    database: Database, migrated_database: str, new_tenant: int, insert: Insert
) -> None:
    """The first read of inserted contacts changes their pages, and later reads do not."""
    numbers = await _create_contacts(database, new_tenant, insert)
    before = await _file_contents(migrated_database)
    await _look_up(database, new_tenant, numbers[:1])
    assert await _file_contents(migrated_database) != before, "control: a first read shows"
    await _set_hint_bits(database, new_tenant, numbers)
    before = await _file_contents(migrated_database)
    for number in numbers[::50]:
        await _look_up(database, new_tenant, [number])
        assert await _file_contents(migrated_database) == before


@pytest.mark.parametrize(
    "write", [_update_preferences, _update_preferences_repeatedly, _erase_some]
)
async def test_lookup_of_changed_contacts_changes_no_file_after_a_vacuum(
    database: Database, migrated_database: str, new_tenant: int, write: Write
) -> None:
    """After updates or erasures and a vacuum, reading any contact of the table changes no byte."""
    numbers = await _create_contacts(database, new_tenant)
    await _vacuum(database)
    await write(database, new_tenant, numbers[::2])
    before = await _file_contents(migrated_database)
    await _look_up(database, new_tenant, numbers)
    assert await _file_contents(migrated_database) != before, "control: a first read shows"
    await write(database, new_tenant, numbers[::2])
    await _set_hint_bits(database, new_tenant, numbers[::2])
    await _vacuum(database)
    before = await _file_contents(migrated_database)
    await _look_up(database, new_tenant, numbers)
    assert await _file_contents(migrated_database) == before


async def test_vacuumed_contacts_stay_clean_after_a_crash(tmp_path: Path) -> None:
    """After the server is killed and restarted, reading vacuumed contacts changes no byte."""
    process = AuthorityProcess(tmp_path)
    server = EmbeddedDatabase(process.data_dir)
    uri = await server.start()
    try:
        await migrate(uri)
        database = await Database.connect(uri, connections=1)
        numbers = await _create_contacts(database, 1)
        await _set_hint_bits(database, 1, numbers)
        await _vacuum(database)
        # A later commit flushes the WAL of the vacuum, as the next recording would.
        await _create_contacts(database, 2)
        await asyncio.to_thread(process.end_postgres, signal.SIGKILL)
        await database.close()
        await server.start()
        database = await Database.connect(uri, connections=1)
        before = await _file_contents(uri)
        await _look_up(database, 1, numbers)
        await database.close()
        assert await _file_contents(uri) == before
    finally:
        await server.stop()


async def test_the_service_vacuums_contacts_after_it_writes_them(
    authority: RunningAuthority, clients: Clients
) -> None:
    """After tokens, preferences and erasures, recording events changes no page of contacts."""
    contact_ids = [f"reader-{number}" for number in range(20)]
    mailing = await send(clients, contact_ids)
    for contact_id in contact_ids[:5]:
        await clients.sender.preferences.set_preference(contact_id, ClientDoNotTrack.TRUE)
    await clients.sender.preferences.erase_contact(contact_ids[-1])
    uri = database_uri(authority.process.data_dir)

    async def all_pages_are_visible() -> bool:
        async with on(uri) as connection:
            row = await connection.fetchrow(
                "select relallvisible, relpages from pg_class where relname = 'contacts'"
            )
        assert row is not None
        return bool(row[0] == row[1] > 0)

    await eventually(all_pages_are_visible, "every page of contacts is all-visible")
    before = await _file_contents(uri)
    await mailing.open(*contact_ids)
    assert await _file_contents(uri) == before
