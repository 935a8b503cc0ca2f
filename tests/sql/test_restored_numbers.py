"""A database that has forgotten its last commits repeats no number.

The tests move sequences back, or delete rows, as restoring a backup does.
"""

import secrets
import time
import uuid
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import pytest

from hushpost_service.campaigns.cache import CampaignCache
from hushpost_service.domain.consent import UNKNOWN, ByPurpose, Consent
from hushpost_service.domain.modes import Mode, Policy
from hushpost_service.domain.policy_settings import with_settings
from hushpost_service.domain.roles import Role
from hushpost_service.storage import api_keys, campaigns, preference_log, recording, tenants
from hushpost_service.storage.campaigns import Link
from hushpost_service.storage.connection import Connection
from hushpost_service.storage.database import Database
from hushpost_service.storage.preference_log import Change, ChangeFilter, Source

TENANT = 9
NOW = datetime(2026, 5, 1, tzinfo=UTC)


async def _append_change(connection: Connection) -> int:
    denied, both = ByPurpose(Consent.DENIED, Consent.DENIED), ByPurpose(opens=True, clicks=True)
    change = Change("ann", UNKNOWN, denied, both, Source.SENDER)
    await preference_log.insert_changes(connection, TENANT, [change], "key", NOW)
    listed = await preference_log.list_changes(connection, TENANT, ChangeFilter(), 0, 1000)
    return listed.items[-1].number


async def _create_api_key(connection: Connection) -> int:
    key = api_keys.NewApiKey(role=Role.EDGE, display_name="edge", create_actor="test")
    number, _ = await api_keys.insert_api_key(connection, key, secrets.token_bytes(32))
    return number


@pytest.mark.parametrize("create", [_append_change, _create_api_key])
async def test_ascending_numbers_ascend_after_a_restore(
    database: Database, create: Callable[[Connection], Awaitable[int]]
) -> None:
    """New entries follow those that clients have read, although the sequence was set back."""
    async with database.connection("test") as connection:
        before = await create(connection)
        await connection.execute("alter sequence ascending_numbers restart")
        after = await create(connection)
    assert before < after < 2**63


async def test_link_revisions_ascend_after_a_restore(database: Database) -> None:
    """An edge that resumes from a lost revision gets the links that are added afterwards."""

    async def add(connection: Connection) -> None:
        links = [Link(f"https://example.com/{n}") for n in range(3)]
        await campaigns.add_links(connection, TENANT, TENANT << 40, links)

    await database.transact("test", add)
    async with database.connection("test") as connection:
        lost = await campaigns.last_revision(connection)
        await connection.execute("delete from links where tenant = $1", TENANT)
        await connection.execute("alter sequence link_revisions restart")
    await database.transact("test", add)
    async with database.connection("test") as connection:
        found = await campaigns.links_since(connection, lost, 10)
    assert [link.number for link in found] == [1, 2, 3]
    assert [link.revision for link in found] == sorted({link.revision for link in found})


async def test_tenants_have_random_numbers(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A new tenant gets a random number, and another one if that is taken."""
    choices = iter([100, 100, 101])
    monkeypatch.setattr(secrets, "randbelow", lambda below: next(choices) % below)
    ids = [f"t-{uuid.uuid4()}" for _ in range(2)]
    async with database.connection("test") as connection:
        numbers = [await tenants.insert_tenant(connection, each, "") for each in ids]
        assert numbers == [101, 102]
        assert await tenants.insert_tenant(connection, ids[0], "") is None
        await connection.execute("delete from tenants where tenant = any($1)", numbers)


async def test_a_policy_that_follows_a_lost_one_takes_effect(database: Database) -> None:
    """A cached policy that a failover has lost is not mistaken for the next, of the same version."""
    tenant = 10
    cache = CampaignCache(database, time.monotonic)
    lost, new = Policy(), with_settings(Policy(), {"mode_when_unset": Mode.OFF})

    async def current(connection: Connection) -> Policy:
        inputs = await recording.load_recording_inputs(connection, tenant, [], [], NOW, NOW)
        return (await cache.mode_rule(connection, tenant, inputs.policy_start)).policy

    async with database.connection("test") as connection:
        await tenants.insert_policy(connection, tenant, lost, "key")
        assert await current(connection) == lost
        await connection.execute("delete from policies where tenant = $1", tenant)
        await tenants.insert_policy(connection, tenant, new, "key")
        assert await current(connection) == new
        await connection.execute("delete from policies where tenant = $1", tenant)
