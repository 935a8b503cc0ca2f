"""Commits that meet: those of several processes write the same rows."""

import asyncio
import random
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import numpy as np
import pytest
from prometheus_client import REGISTRY

from hushpost_service.campaigns.cache import CampaignCache
from hushpost_service.domain.events import Event, Events, to_microseconds
from hushpost_service.domain.modes import Policy
from hushpost_service.storage.contacts import insert_missing_contacts
from hushpost_service.storage.database import Database
from hushpost_service.storage.request_ids import Method
from hushpost_service.storage.tenants import insert_policy, insert_tenant
from hushpost_service.tokens.codec import campaign_number
from hushpost_service.tracking.recorder import Recorder

RECORDERS = 4
CAMPAIGNS = 10
BATCHES = 10
BATCH = 100
CONTACTS = 200


@pytest.fixture
async def wide(migrated: str) -> AsyncIterator[Database]:
    """A pool with a connection for each commit of the recorders."""
    opened = await Database.connect(migrated, connections=12)
    yield opened
    await opened.close()


async def _tenant(pool: Database) -> tuple[int, list[int]]:
    """Make a tenant with contacts that may be tracked; return their numbers."""
    names = [f"reader-{number}@example.com" for number in range(CONTACTS)]
    async with pool.connection("test") as connection:
        tenant = await insert_tenant(connection, "meeting", "Meeting")
        assert tenant is not None
        await insert_policy(connection, tenant, Policy(), "test")
        return tenant, list((await insert_missing_contacts(connection, tenant, names)).values())


def _events(campaign: int, contacts: list[int], rng: random.Random) -> Events:
    """Return opens and clicks of anybody in twenty groups, some of them unheard of."""
    now = to_microseconds(datetime.now(UTC))
    return np.array(
        [
            Event(
                campaign,
                rng.choice([0, *contacts]),
                rng.randint(1, 20),
                # Ever more seldom a row that nobody has made yet.
                rng.randrange(4096) + 4096 * int(rng.expovariate(0.5)),
                rng.randint(0, 3),
                rng.randint(1, 5),
                now,
                privacy_signal=False,
                created=now,
            )
            for _ in range(BATCH)
        ],
        np.int64,
    )


def _retries() -> float:
    labels = {"name": "record"}
    return REGISTRY.get_sample_value("hushpost_transaction_retries_total", labels) or 0


async def test_commits_that_meet_do_not_wait_in_a_circle(wide: Database) -> None:
    """At the start of a campaign nobody has to be sent away, which would take a second."""
    tenant, contacts = await _tenant(wide)
    rng = random.Random(1)  # noqa: S311 - repeatable, not secret
    recorders = [
        Recorder(
            wide,
            CampaignCache(wide),
            lambda: datetime.now(UTC),
            max_queued_events=10**6,
            connections=2,
        )
        for _ in range(RECORDERS)
    ]
    before = _retries()
    for serial in range(CAMPAIGNS):
        campaign = campaign_number(tenant, serial)

        async def record(recorder: Recorder, batches: list[Events]) -> None:
            for batch in batches:
                await recorder.record(Method.RECORD_EVENTS, None, {tenant: batch})

        shares = [[_events(campaign, contacts, rng) for _ in range(BATCHES)] for _ in recorders]
        await asyncio.gather(*map(record, recorders, shares))
    assert _retries() == before
    async with wide.connection("test") as connection:
        counted = await connection.fetchval(
            "select sum(events)::bigint from counters where tenant = $1", tenant
        )
    assert counted == CAMPAIGNS * RECORDERS * BATCHES * BATCH
