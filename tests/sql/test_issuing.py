"""What issuing tokens reads and makes of contacts."""

import asyncio
import random
import uuid
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest
from prometheus_client import REGISTRY

from hushpost_service.campaigns.issuing import get_or_create_contacts
from hushpost_service.domain.modes import ContactPreference, DoNotTrack
from hushpost_service.storage import contacts
from hushpost_service.storage.connection import Connection
from hushpost_service.storage.database import Database
from hushpost_service.storage.sql import contacts as sql
from tests.conftest import RunningAuthority
from tests.inspection import on

TENANT = 7
CREATED = datetime(2026, 5, 1, tzinfo=UTC)
UNSET = ContactPreference(DoNotTrack.UNSET)

AT_ONCE = 4
"""Calls in flight: as many as the pool has connections."""

TURNS = 50
"""Calls of each, one after another."""


async def _issue(pool: Database, names: Iterable[str]) -> tuple[dict[str, int], set[int]]:
    """Return contacts' numbers, and which of these are new."""

    async def work(connection: Connection) -> tuple[dict[str, int], set[int]]:
        found, new = await get_or_create_contacts(connection, TENANT, list(names), CREATED)
        return {
            name: n for preference_groups in found for name, n in preference_groups.numbers.items()
        }, set(new)

    return await pool.transact("test", work)


async def test_contacts_are_made_known_once(pool: Database) -> None:
    """Who was known keeps the number; who was not is told apart."""
    first, new = await _issue(pool, ["once-1", "once-2", "once-1"])
    assert set(first) == {"once-1", "once-2"}
    assert new == set(first.values())
    second, new = await _issue(pool, ["once-3", "once-2"])
    assert second["once-2"] == first["once-2"]
    assert new == {second["once-3"]}


async def test_contacts_are_made_known_all_or_none(pool: Database) -> None:
    """Numbers are those of their contacts; where one is known nothing is done, nor broken."""
    names = [f"all-{number}" for number in (3, 1, 2)]

    async def work(connection: Connection) -> None:
        made = await contacts.try_insert_contacts(connection, TENANT, names[:2])
        assert await contacts.try_insert_contacts(connection, TENANT, names) is None
        found = await contacts.contacts(connection, TENANT, names)
        assert made == {name: contact.number for name, contact in found.items()}
        assert made.keys() == set(names[:2])
        assert await contacts.insert_missing_contacts(connection, TENANT, names) != made

    await pool.transact("test", work)
    async with pool.connection("test") as connection:
        assert (await contacts.contacts(connection, TENANT, names)).keys() == set(names)


async def test_whoever_is_erased_meanwhile_is_made_known_again(
    pool: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A contact that others make known and erase between two statements is issued a token."""
    make, insert = contacts.try_insert_contacts, contacts.insert_missing_contacts
    numbers: list[int] = []

    async def overtaken(
        connection: Connection, tenant: int, names: Iterable[str]
    ) -> dict[str, int] | None:
        if not numbers:
            async with pool.connection("test") as other:
                numbers.extend((await insert(other, tenant, names)).values())
        return await make(connection, tenant, names)

    async def overtaken_again(
        connection: Connection, tenant: int, names: Iterable[str]
    ) -> dict[str, int]:
        assert await insert(connection, tenant, names) == {}
        async with pool.connection("test") as other:
            for name in names:
                await contacts.delete_contact(other, tenant, name)
        return {}

    monkeypatch.setattr(contacts, "try_insert_contacts", overtaken)
    monkeypatch.setattr(contacts, "insert_missing_contacts", overtaken_again)
    found, new = await _issue(pool, ["erased-1"])
    assert set(found.values()) == new
    assert len(numbers) == 1
    assert new.isdisjoint(numbers)


async def test_calls_in_flight_agree_on_contacts(pool: Database) -> None:
    """Calls that make the same contacts known give each one number, and never deadlock."""
    rng = random.Random(1)  # noqa: S311 - no secret, and repeatable
    agreed: dict[str, int] = {}
    made: list[int] = []

    async def caller(turns: list[list[str]]) -> None:
        for names in turns:
            found, new = await _issue(pool, names)
            assert found.keys() == set(names)
            assert {
                name: agreed.setdefault(name, number) for name, number in found.items()
            } == found
            made.extend(new)

    def turns() -> list[list[str]]:
        return [
            rng.choices([f"flight-{turn // 2}-{n}" for n in range(300)], k=300)
            for turn in range(TURNS)
        ]

    retries = _retries()
    await asyncio.gather(*(caller(turns()) for _ in range(AT_ONCE)))
    assert sorted(made) == sorted(agreed.values()), "each was new to one call"
    assert _retries() == retries
    async with pool.connection("test") as connection:
        stored = await contacts.contacts(connection, TENANT, list(agreed))
    assert {name: contact.number for name, contact in stored.items()} == agreed


def _retries() -> float:
    """Return how many transactions have been run again after a deadlock."""
    return REGISTRY.get_sample_value("hushpost_transaction_retries_total", {"name": "test"}) or 0


async def test_the_server_logs_nothing_of_a_contact_that_is_known(
    authority: RunningAuthority, migrated: str
) -> None:
    """Not even where it logs all that it can of errors; a plain insert would quote the id."""
    log = authority.process.data_dir / "postgres" / "log"
    hidden, quoted = f"hidden-{uuid.uuid4()}", f"quoted-{uuid.uuid4()}"
    async with on(migrated) as connection:
        await connection.execute(
            "set log_error_verbosity = verbose; set log_min_error_statement = debug5;"
            " set log_min_messages = info"
        )
        for name in (hidden, quoted):
            assert await connection.fetchval(sql.TRY_INSERT_CONTACTS, TENANT, name) is not None
            assert await connection.fetchval(sql.TRY_INSERT_CONTACTS, TENANT, name) is None
        with pytest.raises(asyncpg.UniqueViolationError):
            await connection.execute(
                "insert into contacts (tenant, contact_id, do_not_track) values ($1, $2, 1)",
                TENANT,
                quoted,
            )
    text = log.read_text()
    assert hidden not in text
    assert text.count(quoted) == 1, "this is what there is to hide"


async def test_contacts_are_alike_that_are_as_strict_on_a_campaign(pool: Database) -> None:
    """Moments before its creation are not told apart, those from then on are."""
    names = [f"alike-{number}" for number in range(4)]
    numbers, _ = await _issue(pool, names)
    hour = timedelta(hours=1)
    before, after = CREATED - hour, CREATED + hour
    preferences = [
        ContactPreference(DoNotTrack.TRUE, before, (before - hour, None, None)),
        ContactPreference(DoNotTrack.TRUE, CREATED, (before, before, before)),
        ContactPreference(DoNotTrack.TRUE, after, (CREATED, before, None)),
    ]
    changed = [(numbers[name], each) for name, each in zip(names[:3], preferences, strict=True)]

    async def work(connection: Connection) -> list[contacts.ContactsByPreference]:
        await contacts.update_preferences(connection, TENANT, changed)
        return await contacts.contacts_by_preference(connection, TENANT, names, CREATED)

    found = await pool.transact("test", work)
    assert {frozenset(group.numbers): group.preference for group in found} == {
        frozenset(names[:2]): ContactPreference(DoNotTrack.TRUE),
        frozenset(names[2:3]): ContactPreference(DoNotTrack.TRUE, after, (CREATED, None, None)),
        frozenset(names[3:]): UNSET,
    }
