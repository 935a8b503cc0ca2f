"""Contacts are created, once each, when tokens are issued to them."""

import asyncio
import random
import secrets
import uuid
from collections.abc import Awaitable, Callable, Iterable
from datetime import UTC, datetime, timedelta
from functools import partial

import asyncpg
import pytest
from prometheus_client import REGISTRY

from hushpost_service.campaigns.contact_creation import get_or_create_contacts
from hushpost_service.domain.consent import Consent
from hushpost_service.domain.contact_numbers import ContactNumbers
from hushpost_service.domain.modes import ContactPreference, PurposeConsent
from hushpost_service.preferences.contact_creation import create_and_lock_contacts
from hushpost_service.storage import contacts
from hushpost_service.storage.connection import Connection
from hushpost_service.storage.database import Database
from hushpost_service.storage.sql import contacts as sql
from tests.conftest import RunningAuthority
from tests.inspection import on

TENANT = 7
CAMPAIGN_TIME = datetime(2026, 5, 1, tzinfo=UTC)
DENIED, GRANTED = Consent.DENIED, Consent.GRANTED

NUMBERS = ContactNumbers(secrets.randbelow)

TAKEN = 4711
"""A random prefix that two processes choose."""

CALLERS = 4
"""Concurrent callers: as many as the pool has connections."""

CALLS_PER_CALLER = 50


async def _get_or_create(
    database: Database, contact_ids: Iterable[str]
) -> tuple[dict[str, int], set[int]]:
    """Return the numbers of contacts by id, and the set of those that were created."""

    async def work(connection: Connection) -> tuple[dict[str, int], set[int]]:
        groups, created = await get_or_create_contacts(
            connection, TENANT, list(contact_ids), CAMPAIGN_TIME, NUMBERS
        )
        numbers = {
            contact_id: number for group in groups for contact_id, number in group.numbers.items()
        }
        return numbers, set(created)

    return await database.transact("test", work)


async def test_a_contact_is_created_once(database: Database) -> None:
    """An existing contact keeps its number, and only new contacts are reported as created."""
    first, created = await _get_or_create(database, ["once-1", "once-2", "once-1"])
    assert set(first) == {"once-1", "once-2"}
    assert created == set(first.values())
    second, created = await _get_or_create(database, ["once-3", "once-2"])
    assert second["once-2"] == first["once-2"]
    assert created == {second["once-3"]}


async def test_try_insert_inserts_all_contacts_or_none(database: Database) -> None:
    """If one contact exists, none is inserted and the transaction can continue."""
    contact_ids = [f"all-{number}" for number in (3, 1, 2)]

    async def work(connection: Connection) -> None:
        inserted = await contacts.try_insert_contacts(connection, TENANT, contact_ids[:2], NUMBERS)
        assert await contacts.try_insert_contacts(connection, TENANT, contact_ids, NUMBERS) is None
        found = await contacts.contacts(connection, TENANT, contact_ids)
        assert inserted == {contact_id: contact.number for contact_id, contact in found.items()}
        assert inserted.keys() == set(contact_ids[:2])
        missing = await contacts.insert_missing_contacts(connection, TENANT, contact_ids, NUMBERS)
        assert missing != inserted

    await database.transact("test", work)
    async with database.connection("test") as connection:
        found = await contacts.contacts(connection, TENANT, contact_ids)
        assert found.keys() == set(contact_ids)


async def test_a_contact_that_is_erased_meanwhile_is_created_again(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A contact that others create and erase between two statements still gets a number."""
    try_insert, insert_missing = contacts.try_insert_contacts, contacts.insert_missing_contacts
    numbers: list[int] = []

    async def try_insert_after_others_inserted(
        connection: Connection,
        tenant: int,
        contact_ids: Iterable[str],
        contact_numbers: ContactNumbers,
    ) -> dict[str, int] | None:
        if not numbers:
            async with database.connection("test") as other:
                numbers.extend(
                    (await insert_missing(other, tenant, contact_ids, contact_numbers)).values()
                )
        return await try_insert(connection, tenant, contact_ids, contact_numbers)

    async def insert_missing_before_others_erase(
        connection: Connection,
        tenant: int,
        contact_ids: Iterable[str],
        contact_numbers: ContactNumbers,
    ) -> dict[str, int]:
        assert await insert_missing(connection, tenant, contact_ids, contact_numbers) == {}
        async with database.connection("test") as other:
            for contact_id in contact_ids:
                await contacts.delete_contact(other, tenant, contact_id)
        return {}

    monkeypatch.setattr(contacts, "try_insert_contacts", try_insert_after_others_inserted)
    monkeypatch.setattr(contacts, "insert_missing_contacts", insert_missing_before_others_erase)
    found, created = await _get_or_create(database, ["erased-1"])
    assert set(found.values()) == created
    assert len(numbers) == 1
    assert created.isdisjoint(numbers)


async def _issue(connection: Connection, *, name: str, numbers: ContactNumbers) -> int:
    """Create a contact as IssueTokens does; return its number."""
    groups, _ = await get_or_create_contacts(connection, TENANT, [name], CAMPAIGN_TIME, numbers)
    return groups[0].numbers[name]


async def _import(connection: Connection, *, name: str, numbers: ContactNumbers) -> int:
    """Create a contact as BatchSetPreferences does; return its number."""
    _, locked = await create_and_lock_contacts(connection, TENANT, [name], numbers)
    return locked[name].number


@pytest.mark.parametrize("create", [_issue, _import])
async def test_a_number_that_is_taken_is_not_used_again(
    database: Database,
    create: Callable[..., Awaitable[int]],
) -> None:
    """If two processes happen to choose the same range, the second changes to another one."""
    prefixes = iter([TAKEN, TAKEN, TAKEN + 1, TAKEN + 2])
    created = []
    for process in range(2):
        numbers = ContactNumbers(lambda _: next(prefixes))
        name = f"{create.__name__}-{process}"
        created.append(await database.transact("test", partial(create, name=name, numbers=numbers)))
    assert [number >> 24 for number in created] == [TAKEN + 1, TAKEN + 2]
    async with database.connection("test") as connection:
        await connection.execute("delete from contacts where contact = any($1)", created)


async def test_concurrent_calls_create_each_contact_once(database: Database) -> None:
    """Concurrent calls agree on the number of each contact and never deadlock."""
    rng = random.Random(1)  # noqa: S311 - no secret, and repeatable
    agreed: dict[str, int] = {}
    all_created: list[int] = []

    async def caller(calls: list[list[str]]) -> None:
        for contact_ids in calls:
            found, created = await _get_or_create(database, contact_ids)
            assert found.keys() == set(contact_ids)
            assert {
                contact_id: agreed.setdefault(contact_id, number)
                for contact_id, number in found.items()
            } == found
            all_created.extend(created)

    def random_calls() -> list[list[str]]:
        return [
            rng.choices([f"flight-{call // 2}-{n}" for n in range(300)], k=300)
            for call in range(CALLS_PER_CALLER)
        ]

    retries_before = _retries()
    await asyncio.gather(*(caller(random_calls()) for _ in range(CALLERS)))
    assert sorted(all_created) == sorted(agreed.values()), "each was created by one call"
    assert _retries() == retries_before
    async with database.connection("test") as connection:
        stored = await contacts.contacts(connection, TENANT, list(agreed))
    assert {contact_id: contact.number for contact_id, contact in stored.items()} == agreed


def _retries() -> float:
    """Return the number of transactions that were run again after a deadlock."""
    return REGISTRY.get_sample_value("hushpost_transaction_retries_total", {"name": "test"}) or 0


async def test_the_server_does_not_log_the_id_of_an_existing_contact(
    authority: RunningAuthority, migrated_database: str
) -> None:
    """`try_insert_contacts` logs no unique violation, even with the most verbose settings."""
    log = authority.process.data_dir / "postgres" / "log"
    not_logged, logged = f"hidden-{uuid.uuid4()}", f"quoted-{uuid.uuid4()}"
    async with on(migrated_database) as connection:
        await connection.execute(
            "set log_error_verbosity = verbose; set log_min_error_statement = debug5;"
            " set log_min_messages = info"
        )
        for contact_id in (not_logged, logged):
            number = NUMBERS.take(2)
            attempts = [
                await connection.fetchval(sql.TRY_INSERT_CONTACTS, TENANT, contact_id, each)
                for each in (number, number + 1)
            ]
            assert attempts == [True, False]
        with pytest.raises(asyncpg.UniqueViolationError):
            await connection.execute(
                "insert into contacts (tenant, contact, contact_id, opens_consent, clicks_consent)"
                " values ($1, 1, $2, 1, 1)",
                TENANT,
                logged,
            )
    text = log.read_text()
    assert not_logged not in text
    assert text.count(logged) == 1, "control: a plain insert logs the id"


async def test_contacts_are_grouped_by_what_their_preference_means_for_a_campaign(
    database: Database,
) -> None:
    """Times before the campaign's creation do not split groups, and later times do."""
    contact_ids = [f"grouped-{number}" for number in range(4)]
    numbers, _ = await _get_or_create(database, contact_ids)
    hour = timedelta(hours=1)
    before, after = CAMPAIGN_TIME - hour, CAMPAIGN_TIME + hour
    granted = PurposeConsent(GRANTED, before)
    preferences = [
        ContactPreference(PurposeConsent(DENIED, before, (before - hour, None, None)), granted),
        ContactPreference(
            PurposeConsent(DENIED, CAMPAIGN_TIME, (before, before, before)),
            PurposeConsent(GRANTED, None, (before, None, None)),
        ),
        ContactPreference(
            PurposeConsent(DENIED, after, (CAMPAIGN_TIME, before, None)),
            PurposeConsent(GRANTED, before, (before, CAMPAIGN_TIME, after)),
        ),
    ]
    changed = [
        (numbers[contact_id], preference)
        for contact_id, preference in zip(contact_ids[:3], preferences, strict=True)
    ]

    async def work(connection: Connection) -> list[contacts.ContactsByPreference]:
        await contacts.update_preferences(connection, TENANT, changed)
        return await contacts.contacts_by_preference(connection, TENANT, contact_ids, CAMPAIGN_TIME)

    groups = await database.transact("test", work)
    assert {frozenset(group.numbers): group.preference for group in groups} == {
        frozenset(contact_ids[:2]): ContactPreference(
            PurposeConsent(DENIED), PurposeConsent(GRANTED)
        ),
        frozenset(contact_ids[2:3]): ContactPreference(
            PurposeConsent(DENIED, after, (CAMPAIGN_TIME, None, None)),
            PurposeConsent(GRANTED, None, (None, CAMPAIGN_TIME, after)),
        ),
        frozenset(contact_ids[3:]): ContactPreference(),
    }
