"""Recorders of several processes commit to the same rows concurrently."""

import asyncio
import random
import secrets
import time
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from itertools import cycle

import numpy as np
import pytest
from prometheus_client import REGISTRY

from hushpost_service.campaigns.cache import CampaignCache
from hushpost_service.domain.contact_numbers import ContactNumbers
from hushpost_service.domain.events import Event, Events, to_microseconds
from hushpost_service.domain.modes import Policy
from hushpost_service.storage.contacts import insert_missing_contacts
from hushpost_service.storage.database import Database
from hushpost_service.storage.request_ids import Method
from hushpost_service.storage.tenants import insert_policy, insert_tenant
from hushpost_service.tokens.codec import BOTH_PURPOSES, campaign_number
from hushpost_service.tracking.event_modes_metric import EventModes
from hushpost_service.tracking.recorder import Recorder

RECORDERS = 4
CAMPAIGNS = 10
BATCHES = 10
BATCH_SIZE = 100
CONTACTS = 200

MakeEvents = Callable[[int, list[int], random.Random], Events | list[Event]]


@pytest.fixture
async def large_pool(migrated_database: str) -> AsyncIterator[Database]:
    """A pool with enough connections for the concurrent commits of all recorders."""
    pool = await Database.connect(migrated_database, connections=12)
    yield pool
    await pool.close()


async def _create_tenant(database: Database) -> tuple[int, list[int]]:
    """Create a tenant and contacts that may be tracked; return their numbers."""
    contact_ids = [f"reader-{number}@example.com" for number in range(CONTACTS)]
    async with database.connection("test") as connection:
        tenant = await insert_tenant(connection, "concurrent", "Concurrent commits")
        assert tenant is not None
        await insert_policy(connection, tenant, Policy(), "test")
        contacts = await insert_missing_contacts(
            connection, tenant, contact_ids, ContactNumbers(secrets.randbelow)
        )
        return tenant, list(contacts.values())


def _random_events(campaign: int, contacts: list[int], rng: random.Random) -> Events:
    """Return opens and clicks in twenty groups, some of them by contacts without a number."""
    now = to_microseconds(datetime.now(UTC))
    return np.array(
        [
            Event(
                campaign,
                rng.choice([0, *contacts]),
                rng.randint(1, 20),
                # Mostly in the first chunks; higher chunks, whose rows do not exist yet,
                # become exponentially rarer.
                rng.randrange(4096) + 4096 * int(rng.expovariate(0.5)),
                BOTH_PURPOSES,
                rng.randint(0, 3),
                rng.randint(1, 5),
                now,
                privacy_signal=False,
                repeated=False,
                created=now,
            )
            for _ in range(BATCH_SIZE)
        ],
        np.int64,
    )


def _random_singles(campaign: int, contacts: list[int], rng: random.Random) -> list[Event]:
    """Return such events as single calls record them."""
    return [Event(*event) for event in _random_events(campaign, contacts, rng).tolist()]


def _retries() -> float:
    """Return the number of recording transactions that were run again after a deadlock."""
    labels = {"name": "record"}
    return REGISTRY.get_sample_value("hushpost_transaction_retries_total", labels) or 0


async def test_concurrent_commits_do_not_deadlock(large_pool: Database) -> None:
    """Recorders that insert and update the same rows neither deadlock nor lose events."""
    tenant, contacts = await _create_tenant(large_pool)
    rng = random.Random(1)  # noqa: S311 - repeatable, not secret
    recorders = [
        Recorder(
            large_pool,
            CampaignCache(large_pool, time.monotonic),
            lambda: datetime.now(UTC),
            EventModes(),
            max_queued_events=10**6,
            connections=2,
            second_commit_requests=24,
        )
        for _ in range(RECORDERS)
    ]
    makers: tuple[MakeEvents, ...] = (_random_events, _random_singles)
    retries_before = _retries()
    for serial in range(CAMPAIGNS):
        campaign = campaign_number(tenant, serial)

        async def record(recorder: Recorder, batches: list[Events | list[Event]]) -> None:
            for batch in batches:
                await recorder.record(Method.RECORD_EVENTS, None, 0, {tenant: batch})

        batches_by_recorder = [
            [make(campaign, contacts, rng) for _ in range(BATCHES)]
            for _, make in zip(recorders, cycle(makers), strict=False)
        ]
        await asyncio.gather(*map(record, recorders, batches_by_recorder))
    assert _retries() == retries_before
    async with large_pool.connection("test") as connection:
        (totals,) = await connection.fetch(
            "select sum(events)::bigint, sum(first_events)::bigint from counters where tenant = $1",
            tenant,
        )
        marked = await connection.fetchval(
            "select sum(bit_count(bits)) from slot_bits where tenant = $1 and mode = 1", tenant
        )
    assert tuple(totals) == (CAMPAIGNS * RECORDERS * BATCHES * BATCH_SIZE, marked)
