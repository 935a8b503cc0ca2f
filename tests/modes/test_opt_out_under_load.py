"""Opt-outs and stricter policies take effect immediately, even while events are recorded."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from hushpost_client import Count, DoNotTrack, Event, Mode, PolicyUpdate, PreferenceEntry, Verdict
from tests.conftest import Clients
from tests.inspection import Connection, contact_number, tenant_number
from tests.mailing import Mailing, eventually, exact_count, send

NOTHING = Count(0, 0)
CONTACTS = tuple(f"reader-{number}" for number in range(24))
RECORDERS = 12

OptOut = Callable[[Clients, tuple[str, ...]], Awaitable[object]]


async def _opt_out_singly(clients: Clients, contacts: tuple[str, ...]) -> None:
    for contact in contacts:
        await clients.sender.preferences.set_preference(contact, DoNotTrack.TRUE)


async def _opt_out_in_batch(clients: Clients, contacts: tuple[str, ...]) -> None:
    await clients.sender.preferences.batch_set_preferences(
        [PreferenceEntry(contact, DoNotTrack.TRUE) for contact in contacts]
    )


async def _erase(clients: Clients, contacts: tuple[str, ...]) -> None:
    for contact in contacts:
        await clients.sender.preferences.erase_contact(contact)


@asynccontextmanager
async def load(mailing: Mailing) -> AsyncIterator[list[int]]:
    """Record opens of all contacts, singly and in batches, until the block ends.

    Yields a growing list of the numbers of events that each call recorded.
    """
    recorded: list[int] = []
    is_over = asyncio.Event()
    tokens = list(mailing.tokens.values())
    tracking = mailing.clients.edge.tracking

    async def record(seed: int) -> None:
        rng = random.Random(seed)  # noqa: S311 - no secret, and repeatable
        while not is_over.is_set():
            if seed % 2:
                await tracking.record_open(rng.choice(tokens), verdict=Verdict.HUMAN)
                recorded.append(1)
            else:
                batch = rng.sample(tokens, len(tokens) // 2)
                await tracking.record_events(
                    [Event(token, verdict=Verdict.HUMAN) for token in batch]
                )
                recorded.append(len(batch))

    recorders = [asyncio.create_task(record(seed)) for seed in range(RECORDERS)]
    try:
        yield recorded
    finally:
        is_over.set()
        await asyncio.gather(*recorders)


async def _more_calls(recorded: list[int], calls: int = 4 * RECORDERS) -> None:
    """Wait until that many more calls have recorded events."""
    target = len(recorded) + calls

    async def is_reached() -> bool:
        return len(recorded) >= target

    await eventually(is_reached, "more events are recorded")


@pytest.mark.parametrize("opt_out", [_opt_out_singly, _opt_out_in_batch, _erase])
async def test_no_row_names_an_opted_out_contact_under_load(
    exact_clients: Clients, database: Connection, opt_out: OptOut
) -> None:
    """Once an opt-out returns, no row names the contact, not even from events in flight."""
    mailing = await send(exact_clients, CONTACTS)
    tenant = await tenant_number(database, exact_clients.tenant_id)
    numbers = {contact: await contact_number(database, tenant, contact) for contact in CONTACTS}
    opted_out: list[int] = []
    async with load(mailing) as recorded:
        await _more_calls(recorded)
        assert await _rows_of(database, tenant, list(numbers.values())) > 0
        half = len(CONTACTS) // 2
        steps = [(contact,) for contact in CONTACTS[:half]] + [CONTACTS[half:]]
        for contacts in steps:
            await opt_out(exact_clients, contacts)
            opted_out += [numbers[contact] for contact in contacts]
            assert await _rows_of(database, tenant, opted_out) == 0
        await _more_calls(recorded)
        assert await _rows_of(database, tenant, opted_out) == 0
    assert await _rows_of(database, tenant, opted_out) == 0
    opens = (await mailing.stats()).opens.human
    assert opens.identified == NOTHING
    assert exact_count(opens.anonymous) == Count(sum(recorded), len(CONTACTS))
    assert await mailing.engaged() == set()


async def test_a_stricter_policy_takes_effect_immediately_under_load(
    exact_clients: Clients, database: Connection
) -> None:
    """Once UpdatePolicy returns, no row is added; earlier rows are gone when the job is done."""
    mailing = await send(exact_clients, CONTACTS)
    tenant = await tenant_number(database, exact_clients.tenant_id)
    async with load(mailing) as recorded:
        await _more_calls(recorded)
        await exact_clients.admin.admin.update_policy(PolicyUpdate(mode_when_unset=Mode.ANONYMOUS))
        remaining = [await _rows(database, tenant)]

        async def is_done() -> bool:
            remaining.append(await _rows(database, tenant))
            return (await exact_clients.admin.admin.get_tenant()).anonymization is None

        await eventually(is_done, "the policy's job ends")
        assert remaining == sorted(remaining, reverse=True), "no row was added"
        assert await _rows(database, tenant) == 0
        await _more_calls(recorded)
        assert await _rows(database, tenant) == 0
    opens = (await mailing.stats()).opens.human
    assert (opens.identified, exact_count(opens.anonymous)) == (
        NOTHING,
        Count(sum(recorded), len(CONTACTS)),
    )


async def _rows_of(database: Connection, tenant: int, contacts: list[int]) -> int:
    """Return the number of event rows of some contacts."""
    count: int = await database.fetchval(
        "select count(*) from events where tenant = $1 and contact = any($2)", tenant, contacts
    )
    return count


async def _rows(database: Connection, tenant: int) -> int:
    """Return the number of event rows of a tenant."""
    count: int = await database.fetchval("select count(*) from events where tenant = $1", tenant)
    return count
