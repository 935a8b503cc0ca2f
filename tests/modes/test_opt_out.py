"""Opt-out: immediate, backwards, and exact in what it moves."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest

from hushpost_client import (
    AnonymizationProgress,
    Count,
    DoNotTrack,
    Event,
    History,
    Mode,
    PolicyUpdate,
    PreferenceEntry,
    SignalStats,
    Verdict,
)
from tests.conftest import Clients, RunningAuthority
from tests.inspection import Connection, contact_number, events_of, tenant_number
from tests.mailing import Mailing, clients_of, eventually, send

NOTHING = Count(0, 0)
NAMES = tuple(f"reader-{number}" for number in range(24))
FLOODS = 12

OptOut = Callable[[Clients, tuple[str, ...]], Awaitable[object]]


async def _one_by_one(clients: Clients, names: tuple[str, ...]) -> None:
    for name in names:
        await clients.sender.preferences.set_preference(name, DoNotTrack.TRUE)


async def _together(clients: Clients, names: tuple[str, ...]) -> None:
    await clients.sender.preferences.batch_set_preferences(
        [PreferenceEntry(name, DoNotTrack.TRUE) for name in names]
    )


async def _erased(clients: Clients, names: tuple[str, ...]) -> None:
    for name in names:
        await clients.sender.preferences.erase_contact(name)


@asynccontextmanager
async def flooded(mailing: Mailing) -> AsyncIterator[list[int]]:
    """Record opens of all contacts, singly and in batches, until the block ends.

    Yields how many were acknowledged, as a list of numbers that grows.
    """
    acknowledged: list[int] = []
    is_over = asyncio.Event()
    tokens = list(mailing.tokens.values())
    edge = mailing.clients.edge.tracking

    async def flood(seed: int) -> None:
        chosen = random.Random(seed)  # noqa: S311 - no secret, and repeatable
        while not is_over.is_set():
            if seed % 2:
                await edge.record_open(chosen.choice(tokens), verdict=Verdict.HUMAN)
                acknowledged.append(1)
            else:
                batch = chosen.sample(tokens, len(tokens) // 2)
                await edge.record_events([Event(token, verdict=Verdict.HUMAN) for token in batch])
                acknowledged.append(len(batch))

    floods = [asyncio.create_task(flood(seed)) for seed in range(FLOODS)]
    try:
        yield acknowledged
    finally:
        is_over.set()
        await asyncio.gather(*floods)


async def _flowing(acknowledged: list[int], more: int = 4 * FLOODS) -> None:
    """Wait until more events have been acknowledged."""
    enough = len(acknowledged) + more

    async def has_flowed() -> bool:
        return len(acknowledged) >= enough

    await eventually(has_flowed, "the flood goes on")


@pytest.mark.parametrize("opt_out", [_one_by_one, _together, _erased])
async def test_no_row_names_who_opted_out_in_a_flood(
    exact: Clients, database: Connection, opt_out: OptOut
) -> None:
    """From the answer to an opt-out on no row names the contact, whatever is on its way."""
    mailing = await send(exact, NAMES)
    tenant = await tenant_number(database, exact.tenant_id)
    numbers = {name: await contact_number(database, tenant, name) for name in NAMES}
    gone: list[int] = []
    async with flooded(mailing) as acknowledged:
        await _flowing(acknowledged)
        assert await _rows(database, tenant, list(numbers.values())) > 0
        half = len(NAMES) // 2
        steps = [(name,) for name in NAMES[:half]] + [NAMES[half:]]
        for names in steps:
            await opt_out(exact, names)
            gone += [numbers[name] for name in names]
            assert await _rows(database, tenant, gone) == 0
        await _flowing(acknowledged)
        assert await _rows(database, tenant, gone) == 0
    assert await _rows(database, tenant, gone) == 0
    opens = (await mailing.stats()).opens.human
    assert opens.identified == NOTHING
    assert opens.anonymous == Count(sum(acknowledged), len(NAMES))
    assert await mailing.engaged() == set()


async def test_a_stricter_policy_holds_at_once_in_a_flood(
    exact: Clients, database: Connection
) -> None:
    """From the answer on no row is added; those of before are gone when the job is done."""
    mailing = await send(exact, NAMES)
    tenant = await tenant_number(database, exact.tenant_id)
    async with flooded(mailing) as acknowledged:
        await _flowing(acknowledged)
        await exact.admin.admin.update_policy(PolicyUpdate(mode_when_unset=Mode.ANONYMOUS))
        left = [await _all_rows(database, tenant)]

        async def is_done() -> bool:
            left.append(await _all_rows(database, tenant))
            return (await exact.admin.admin.get_tenant()).folding is None

        await eventually(is_done, "the policy's job ends")
        assert left == sorted(left, reverse=True), "no row was added"
        assert await _all_rows(database, tenant) == 0
        await _flowing(acknowledged)
        assert await _all_rows(database, tenant) == 0
    opens = (await mailing.stats()).opens.human
    assert (opens.identified, opens.anonymous) == (
        NOTHING,
        Count(sum(acknowledged), len(NAMES)),
    )


async def test_folding_moves_totals_people_and_hours_exactly(exact: Clients) -> None:
    """What an opt-out takes from the known numbers it adds to the anonymous ones, to the event."""
    mailing = await send(exact, ["ann", "bob"])
    early = datetime.now(UTC) - timedelta(hours=30)
    late = early + timedelta(hours=7)
    ann, bob = mailing.tokens["ann"], mailing.tokens["bob"]
    await exact.edge.tracking.record_events(
        [
            Event(ann, 0, early, Verdict.HUMAN),
            Event(ann, 0, late, Verdict.PROXY),
            Event(ann, 0, late, Verdict.SCANNER),
            Event(ann, 1, late, Verdict.HUMAN),
            Event(ann, 2, late, Verdict.UNKNOWN),
            Event(ann, 2, late, Verdict.HUMAN),
            Event(bob, 0, late, Verdict.HUMAN),
            Event(bob, 2, late, Verdict.HUMAN),
        ]
    )
    before = await mailing.stats()
    assert before.opens.human.identified == Count(3, 2)
    assert before.clicks.human.identified == Count(4, 2)
    await exact.sender.preferences.set_preference("ann", DoNotTrack.TRUE)
    after = await mailing.stats()
    assert (after.sent, after.groups[0].opens, after.groups[0].clicks) == (
        before.sent,
        after.opens,
        after.clicks,
    )
    assert _counts(after.opens) == [
        (Count(1, 1), Count(2, 1), NOTHING),
        (NOTHING, Count(1, 1), NOTHING),
    ]
    assert _counts(after.clicks)[0] == (Count(1, 1), Count(3, 1), NOTHING)
    assert [_counts(link.clicks)[0] for link in after.links] == [
        (NOTHING, Count(1, 1), NOTHING),
        (Count(1, 1), Count(2, 1), NOTHING),
    ]
    known = {
        hour.start_time: (hour.opens.human.identified, hour.clicks.human.identified)
        for hour in after.hours
        if hour.opens.human.identified.total or hour.clicks.human.identified.total
    }
    assert known == {late.replace(minute=0, second=0, microsecond=0): (Count(1, 1), Count(1, 1))}
    assert early.replace(minute=0, second=0, microsecond=0) not in {
        hour.start_time for hour in after.hours
    }, "an hour does not outlast its events"
    assert await mailing.engaged() == {"bob"}


async def test_folding_leaves_no_empty_row_of_slots(exact: Clients, database: Connection) -> None:
    """That somebody known was seen on a link is not to be told by a row without a bit."""
    mailing = await send(exact, ["ann"])
    await mailing.open("ann")
    tenant = await tenant_number(database, exact.tenant_id)
    await exact.sender.preferences.set_preference("ann", DoNotTrack.TRUE)
    modes = await database.fetch("select mode from slot_bits where tenant = $1", tenant)
    assert [mode for (mode,) in modes] == [12]


async def test_kept_history_stays_known_and_apart(exact: Clients, database: Connection) -> None:
    """With KEEP the numbers of before stand, on a slot that no later event of the mail marks."""
    mailing = await send(exact, ["ann"])
    await mailing.open("ann", "ann")
    tenant = await tenant_number(database, exact.tenant_id)
    await exact.sender.preferences.set_preference("ann", DoNotTrack.TRUE, history=History.KEEP)
    kept = await _slots(database, tenant)
    await mailing.open("ann")
    opens = (await mailing.stats()).opens.human
    assert (opens.identified, opens.anonymous) == (Count(2, 1), Count(1, 1))
    assert await events_of(database, tenant, "ann") == 2
    assert await mailing.engaged() == set()
    marked = await _marked(database, tenant)
    assert kept
    assert marked
    assert not kept & marked, "no row names a slot with anonymous bits"


async def test_the_policy_says_what_becomes_of_history(
    authority: RunningAuthority, database: Connection
) -> None:
    """Unless the call says else, the tenant's policy decides whether to fold or to keep."""
    async with AsyncExitStack() as stack:
        policy = PolicyUpdate(quorum=1, history_when_true=History.KEEP)
        clients = await clients_of(stack, authority, policy)
        mailing = await send(clients, ["ann", "bob"])
        await mailing.open("ann", "bob")
        tenant = await tenant_number(database, clients.tenant_id)
        preferences = clients.sender.preferences
        await preferences.set_preference("ann", DoNotTrack.TRUE)
        await preferences.set_preference("bob", DoNotTrack.TRUE, history=History.ANONYMIZE)
        assert await events_of(database, tenant, "ann") == 1
        assert await events_of(database, tenant, "bob") == 0


async def test_the_progress_of_a_policy_job_can_be_read(
    exact: Clients, database: Connection
) -> None:
    """While a stricter policy folds, it tells how many events there are and how many are done."""
    first = await send(exact, [f"a-{number}" for number in range(500)], "first")
    second = await send(exact, [f"b-{number}" for number in range(20)], "second")
    for mailing in (first, second):
        events = [Event(token, verdict=Verdict.HUMAN) for token in mailing.tokens.values()]
        await exact.edge.tracking.record_events([*events, events[0]])
    tenant = await tenant_number(database, exact.tenant_id)
    async with database.transaction():
        await database.execute(
            "select from counters join campaigns using (tenant, campaign)"
            " where tenant = $1 and campaign_id = 'second' for update of counters",
            tenant,
        )
        answer = await exact.admin.admin.update_policy(PolicyUpdate(mode_when_unset=Mode.ANONYMOUS))
        assert answer.folding is not None
        seen: list[AnonymizationProgress] = []

        async def is_half_done() -> bool:
            folding = (await exact.admin.admin.get_tenant()).folding
            assert folding is not None
            seen.append(folding)
            return folding.folded_count == 501

        await eventually(is_half_done, "the first part is done")
        assert seen[-1].total_count == 522
        assert seen[-1].start_time == answer.folding.start_time

    async def is_done() -> bool:
        return (await exact.admin.admin.get_tenant()).folding is None

    await eventually(is_done, "the policy's job ends")
    for mailing, people in ((first, 500), (second, 20)):
        opens = (await mailing.stats()).opens.human
        assert (opens.identified, opens.anonymous) == (NOTHING, Count(people + 1, people))


def _counts(signal: SignalStats) -> list[tuple[Count, Count, Count]]:
    return [
        (part.identified, part.anonymous, part.aggregate) for part in (signal.human, signal.machine)
    ]


async def _rows(database: Connection, tenant: int, contacts: list[int]) -> int:
    count: int = await database.fetchval(
        "select count(*) from events where tenant = $1 and contact = any($2)", tenant, contacts
    )
    return count


async def _all_rows(database: Connection, tenant: int) -> int:
    count: int = await database.fetchval("select count(*) from events where tenant = $1", tenant)
    return count


async def _slots(database: Connection, tenant: int) -> set[int]:
    rows = await database.fetch("select slot from events where tenant = $1", tenant)
    return {slot for (slot,) in rows}


async def _marked(database: Connection, tenant: int) -> set[int]:
    """Return the slots with anonymous bits."""
    rows = await database.fetch(
        "select chunk, bits from slot_bits where tenant = $1 and mode = 2", tenant
    )
    return {
        chunk * 4096 + place
        for chunk, bits in rows
        for place, bit in enumerate(bits.as_string().replace(" ", ""))
        if bit == "1"
    }
