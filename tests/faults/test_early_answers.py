"""Opt-outs that return while another task anonymizes the same events."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from hushpost_client import DeadlineExceededError, DoNotTrack, Event, PolicyUpdate, Verdict
from tests.citus_database import is_on_citus
from tests.conftest import Clients, RunningAuthority
from tests.faults.holding import counters_held
from tests.inspection import Connection, events_of, tenant_number
from tests.mailing import clients_of, eventually, send

MANY = 4 * 5000
"""Events that take several transactions to anonymize."""


@pytest.fixture
async def exact(authority: RunningAuthority) -> AsyncIterator[Clients]:
    """Clients of a tenant with exact counts."""
    async with AsyncExitStack() as stack:
        yield await clients_of(stack, authority)


async def test_a_repeated_opt_out_waits_for_the_first(exact: Clients, database: Connection) -> None:
    """Repeating an opt-out waits for the anonymization that the first call started."""
    mailing = await send(exact, ["ann"])
    await mailing.open("ann")
    tenant = await tenant_number(database, exact.tenant_id)
    set_preference = exact.sender.preferences.set_preference
    async with counters_held(database, mailing):
        with pytest.raises(DeadlineExceededError):
            await set_preference("ann", DoNotTrack.TRUE, timeout=1)
        again = asyncio.create_task(set_preference("ann", DoNotTrack.TRUE))
        await asyncio.wait([again], timeout=2)
        if again.done():
            assert await events_of(database, tenant, "ann") == 0
    await again
    assert await events_of(database, tenant, "ann") == 0


async def test_an_opt_out_waits_for_concurrent_anonymization(
    exact: Clients, database: Connection
) -> None:
    """If two tasks anonymize the same events, neither returns before the other's work is committed."""
    mailing = await send(exact, ["ann"])
    event = Event(mailing.tokens["ann"], verdict=Verdict.HUMAN)
    for _ in range(MANY // 5000):
        await exact.edge.tracking.record_events([event] * 5000)
    tenant = await tenant_number(database, exact.tenant_id)
    set_preference = exact.sender.preferences.set_preference
    request_id = uuid.uuid4()

    async def waiting() -> int:
        waits = "citus_lock_waits" if is_on_citus() else "pg_locks where not granted"
        count: int = await database.fetchval(f"select count(*) from {waits}")  # noqa: S608 - ours
        return count

    async def one_waits() -> bool:
        return await waiting() >= 1

    async def two_wait() -> bool:
        return await waiting() >= 2

    async with counters_held(database, mailing):
        with pytest.raises(DeadlineExceededError):
            await set_preference("ann", DoNotTrack.TRUE, timeout=1, request_id=request_id)
        # Any policy change wakes the background loop.
        await exact.admin.admin.update_policy(PolicyUpdate(retention_days=364))
        await eventually(one_waits, "the background folds")
        again = asyncio.create_task(set_preference("ann", DoNotTrack.TRUE, request_id=request_id))
        await eventually(two_wait, "the call folds too")
    await again
    assert await events_of(database, tenant, "ann") == 0
