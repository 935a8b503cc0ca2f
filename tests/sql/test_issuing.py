"""What issuing tokens reads and makes of contacts."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from hushpost_service.issuing import known_contacts
from hushpost_service.policy import ContactPreference, DoNotTrack
from hushpost_service.storage import contacts
from hushpost_service.storage.database import Database

if TYPE_CHECKING:
    from hushpost_service.storage.database import Connection

TENANT = 7
CREATED = datetime(2026, 5, 1, tzinfo=UTC)
UNSET = ContactPreference(DoNotTrack.UNSET)


async def _issue(pool: Database, names: Iterable[str]) -> tuple[dict[str, int], set[int]]:
    """Return contacts' numbers, and which of these are new."""

    async def work(connection: "Connection") -> tuple[dict[str, int], set[int]]:
        found, new = await known_contacts(connection, TENANT, list(names), CREATED)
        return {name: n for alike in found for name, n in alike.numbers.items()}, set(new)

    return await pool.transact("test", work)


async def test_contacts_are_made_known_once(pool: Database) -> None:
    """Who was known keeps the number; who was not is told apart."""
    first, new = await _issue(pool, ["once-1", "once-2", "once-1"])
    assert set(first) == {"once-1", "once-2"}
    assert new == set(first.values())
    second, new = await _issue(pool, ["once-3", "once-2"])
    assert second["once-2"] == first["once-2"]
    assert new == {second["once-3"]}


async def test_whoever_is_erased_meanwhile_is_made_known_again(
    pool: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A contact that others make known and erase between two statements is issued a token."""
    insert = contacts.insert_contacts
    numbers: list[int] = []

    async def overtaken(
        connection: "Connection", tenant: int, names: Iterable[str]
    ) -> dict[str, int]:
        if not numbers:
            async with pool.connection("test") as other:
                numbers.extend((await insert(other, tenant, names)).values())
                assert await insert(connection, tenant, names) == {}
                for name in names:
                    await contacts.delete_contact(other, tenant, name)
            return {}
        return await insert(connection, tenant, names)

    monkeypatch.setattr(contacts, "insert_contacts", overtaken)
    found, new = await _issue(pool, ["erased-1"])
    assert set(found.values()) == new
    assert new.isdisjoint(numbers)


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

    async def work(connection: "Connection") -> list[contacts.Alike]:
        await contacts.update_preferences(connection, TENANT, changed)
        return await contacts.alike_contacts(connection, TENANT, names, CREATED)

    found = await pool.transact("test", work)
    assert {frozenset(alike.numbers): alike.preference for alike in found} == {
        frozenset(names[:2]): ContactPreference(DoNotTrack.TRUE),
        frozenset(names[2:3]): ContactPreference(DoNotTrack.TRUE, after, (CREATED, None, None)),
        frozenset(names[3:]): UNSET,
    }
