"""Events of single calls are stored like those of batches, or not at all if something has changed."""

import asyncio
import itertools
import random
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import asyncpg
import numpy as np
import pytest

import hushpost_client
from hushpost_client import Count
from hushpost_service.domain.counters import HOUR
from hushpost_service.domain.events import Event
from hushpost_service.domain.modes import Mode
from hushpost_service.domain.verdicts import Verdict
from hushpost_service.storage.connection import Connection
from hushpost_service.storage.connection_settings import CONNECTION_SETTINGS
from hushpost_service.storage.database import Database
from hushpost_service.storage.database_kind import DatabaseKind
from hushpost_service.storage.recording import lock_slot_bits, write
from hushpost_service.storage.request_ids import PERIOD_SECONDS, Method, claim
from hushpost_service.storage.single_events import (
    SingleInputs,
    read_single_inputs,
    record_single_events,
)
from hushpost_service.storage.tenant_locks import lock_recording
from hushpost_service.tracking.tally import ColumnarTally, ScalarTally
from tests.conftest import RunningAuthority
from tests.inspection import connected, on
from tests.mailing import clients_of, eventually, send

TENANT = 7
NOW = datetime.now(UTC)
HOUR_START = int(time.time() // 3600 - 3) * HOUR
"""Events are in the past, for which there are partitions also at the end of a month."""

_campaigns = itertools.count(1)

Decided = tuple[Event, Mode]
Record = Callable[[Connection, Sequence[Decided]], Awaitable[None]]


def _event(
    campaign: int, signal: int, slot: int, time: int = HOUR_START, verdict: int = 1
) -> Event:
    """Return an event of a contact that the slot implies."""
    return Event(
        campaign=campaign,
        contact=1000 + slot,
        group=1 + slot % 2,
        slot=slot,
        purpose=0,
        signal=signal,
        verdict=verdict,
        time=time,
        privacy_signal=False,
        repeated=False,
        created=0,
    )


def _random_commit(campaign: int, rng: random.Random) -> list[Decided]:
    """Return events in all modes, some of them of the same slot, over two hours."""
    return [
        (
            _event(
                campaign,
                rng.randrange(3),
                rng.choice([0, 1, 2, 4095, 4096, 16_383, 16_384, 40_000]),
                HOUR_START + rng.randrange(2 * HOUR),
                rng.choice(list(Verdict)),
            ),
            rng.choice(list(Mode)),
        )
        for _ in range(rng.randint(1, 30))
    ]


async def _record_singles(connection: Connection, events: Sequence[Decided]) -> None:
    tally = ScalarTally(events)
    inputs = await read_single_inputs(connection, TENANT, [], [], NOW)
    assert inputs is not None
    assert await record_single_events(connection, inputs, tally.events, NOW, inserts_bitmaps=False)


async def _record_batch(connection: Connection, events: Sequence[Decided]) -> None:
    rows = np.array([event for event, _ in events], np.int64)
    tally = ColumnarTally(rows, np.array([mode for _, mode in events], np.int64))
    if tally.counts:
        marked = (
            await lock_slot_bits(connection, TENANT, keys)
            if (keys := tally.identified_keys())
            else {}
        )
        columns, first = tally.identified(marked)
        await write(connection, TENANT, tally.slots, tally.counts, first, columns)


async def _commit(
    database: Database, events: Sequence[Decided], record: Record = _record_singles
) -> None:
    async with database.connection("test") as connection:
        await record(connection, events)


async def _stored(connection: Connection, campaign: int) -> list[list[tuple[object, ...]]]:
    """Return all that is stored of a campaign, without its number."""
    return await _stored_of(connection, TENANT, campaign)


async def _stored_of(
    connection: Connection, tenant: int, campaign: int
) -> list[list[tuple[object, ...]]]:
    statements = (
        "select contact, event_time, group_number, slot, signal, verdict, is_first from events",
        "select group_number, signal, machine, mode, hour, events, first_events from counters",
        "select group_number, signal, machine, mode, chunk, bits::text from slot_bits",
    )
    tables = []
    for statement in statements:
        rows = await connection.fetch(
            f"{statement} where tenant = $1 and campaign = $2", tenant, campaign
        )
        tables.append(sorted(map(tuple, rows)))
    return tables


@pytest.mark.parametrize("seed", range(5))
async def test_single_events_are_stored_like_a_batch(database: Database, seed: int) -> None:
    """Commits of the same events by both ways leave the same rows, counters and bitmaps."""
    stored = []
    for record in (_record_singles, _record_batch):
        rng = random.Random(seed)  # noqa: S311 - repeatable, not secret
        campaign = next(_campaigns)
        for _ in range(12):
            await _commit(database, _random_commit(campaign, rng), record)
        async with database.connection("test") as connection:
            stored.append(await _stored(connection, campaign))
    singles, batches = stored
    assert singles == batches
    assert all(singles)


async def test_the_first_event_is_the_earliest_of_a_new_slot(database: Database) -> None:
    """A slot has one first event, the earliest of its first commit, also if it is listed last."""
    campaign = next(_campaigns)
    commits = [[3, 2, 1], [0, 4]]
    for times in commits:
        await _commit(
            database, [(_event(campaign, 1, 5, HOUR_START + t), Mode.IDENTIFIED) for t in times]
        )
    async with database.connection("test") as connection:
        events, counters, _ = await _stored(connection, campaign)
    assert [event[-1] for event in events] == [False, True, False, False, False]
    assert [counter[-2:] for counter in counters] == [(5, 1)]


async def test_a_deleted_bitmap_is_inserted_again(database: Database) -> None:
    """A missing bitmap is inserted, also one that an opt-out has deleted since its insertion."""
    campaign = next(_campaigns)
    events = [
        (_event(campaign, 1, 0), Mode.IDENTIFIED),
        (_event(campaign, 1, 2), Mode.ANONYMOUS),
        (_event(campaign, 1, 4), Mode.AGGREGATE),
    ]
    await _commit(database, events)
    async with database.connection("test") as connection:
        deleted = await connection.execute(
            "delete from slot_bits where tenant = $1 and campaign = $2 and mode = 1",
            TENANT,
            campaign,
        )
    await _commit(database, events)
    async with database.connection("test") as connection:
        _, counters, bitmaps = await _stored(connection, campaign)
    assert deleted == "DELETE 1"
    assert [counter[3:] for counter in counters] == [
        (1, HOUR_START // HOUR, 2, 2),
        (2, 0, 2, 0),
        (3, 0, 2, 0),
    ]
    assert [(bitmap[3], str(bitmap[-1]).count("1")) for bitmap in bitmaps] == [(1, 1), (2, 1)]


@pytest.mark.parametrize(("mode", "locks"), [(Mode.IDENTIFIED, True), (Mode.AGGREGATE, False)])
async def test_only_identified_events_lock_a_bitmap(
    database: Database, mode: Mode, *, locks: bool
) -> None:
    """An event that must not name its slot leaves no lock on the bitmap of the slot either."""
    campaign = next(_campaigns)
    event = _event(campaign, 1, 6)
    await _commit(database, [(event, Mode.IDENTIFIED)])
    async with database.connection("test") as connection:
        transaction = connection.transaction()
        await transaction.start()
        await _record_singles(connection, [(event, mode)])
        is_locked = await connection.fetchval(
            "select xmax::text = pg_current_xact_id()::text from slot_bits"
            " where tenant = $1 and campaign = $2 and mode = 1",
            TENANT,
            campaign,
        )
        await transaction.rollback()
    assert is_locked is locks


@dataclass
class World:
    """A tenant of its own with two contacts, and a connection like those of the recorder."""

    connection: Connection
    uri: str
    tenant: int
    contacts: list[int] = field(default_factory=lambda: [11, 12])

    @property
    def campaign(self) -> int:
        """The number of a campaign."""
        return self.tenant << 40

    async def read(self, requests: Sequence[uuid.UUID] = ()) -> SingleInputs | None:
        """Read what events of the first contact depend on."""
        ids = [(Method.RECORD_CLICK, request) for request in requests]
        return await read_single_inputs(
            self.connection, self.tenant, ids, self.contacts[:1], datetime.fromtimestamp(0, UTC)
        )

    async def record(self, inputs: SingleInputs | None) -> bool:
        """Record an identified event of the first contact."""
        assert inputs is not None
        event = _event(self.campaign, 1, 0)._replace(contact=self.contacts[0])
        tally = ScalarTally([(event, Mode.IDENTIFIED)])
        return await record_single_events(
            self.connection, inputs, tally.events, NOW, inserts_bitmaps=True
        )

    async def has_events(self) -> bool:
        """Return whether anything of the campaign is stored."""
        return any(await _stored_of(self.connection, self.tenant, self.campaign))

    async def claimed(self) -> int:
        """Return how many request ids are claimed."""
        count: int = await self.connection.fetchval(
            "select count(*) from request_ids where tenant = $1", self.tenant
        )
        return count


_tenants = itertools.count(1000)


@pytest.fixture
async def world(database: Database, migrated_database: str) -> AsyncIterator[World]:
    """A new tenant, one per test."""
    async with database.connection("test") as connection:
        world = World(connection, migrated_database, next(_tenants))
        await connection.execute(
            "insert into contacts (tenant, contact, contact_id, opens_consent, clicks_consent)"
            " select $1, n, 'contact-' || n, 2, 2 from unnest($2::bigint[]) as n",
            world.tenant,
            world.contacts,
        )
        yield world


OPT_OUT = "update contacts set clicks_consent = 4 where tenant = $1 and contact = 11"
CHANGES = {
    "the contact opts out": OPT_OUT,
    "the contact is erased": "delete from contacts where tenant = $1 and contact = 11",
    "a policy comes into force": """
        insert into policies select $1, 1, now(), '', true, 1, 2, 2, 1, 2, 2, 1, 400, 1, 2, '{1}', 9, 9, false
    """,
}


@pytest.mark.parametrize("change", CHANGES)
async def test_nothing_is_recorded_if_the_mode_may_have_changed(world: World, change: str) -> None:
    """Between reading and recording. Control: a change of another contact changes no mode.

    A vacuum marks rows as frozen, but leaves their versions distinct.
    """
    await world.connection.execute("vacuum (freeze) contacts")
    inputs = await world.read([uuid.uuid4()])
    await world.connection.execute(CHANGES[change], world.tenant)
    await world.connection.execute("vacuum (freeze) contacts")
    assert not await world.record(inputs)
    assert not await world.has_events()
    assert await world.claimed() == 0

    inputs = await world.read([uuid.uuid4()])
    await world.connection.execute(
        "update contacts set clicks_consent = 4 where tenant = $1 and contact = 12", world.tenant
    )
    assert await world.record(inputs)
    assert await world.has_events()
    assert await world.claimed() == 1


@pytest.mark.parametrize("isolation", ["read committed", "repeatable read"])
async def test_recording_sees_the_opt_out_that_it_has_waited_for(
    world: World, isolation: str
) -> None:
    """It waits for the lock of an opt-out, and then sees it.

    Control: with a stricter isolation level it would not, so every connection sets the level.
    """
    assert CONNECTION_SETTINGS["default_transaction_isolation"] == "read committed"
    inputs = await world.read()
    await world.connection.execute(f"set default_transaction_isolation = '{isolation}'")
    try:
        async with on(world.uri) as other:
            opt_out = other.transaction()
            await opt_out.start()
            await other.execute(OPT_OUT, world.tenant)
            await lock_recording(other, DatabaseKind.SINGLE, world.tenant)  # type: ignore[arg-type] # not of a pool
            recording = asyncio.create_task(world.record(inputs))

            async def waits() -> bool:
                assert not recording.done()
                return bool(
                    await other.fetchval(
                        "select count(*) from pg_locks"
                        " where locktype = 'advisory' and objid = $1 and not granted",
                        world.tenant,
                    )
                )

            await eventually(waits, "the recording waits for the opt-out")
            await opt_out.commit()
            is_recorded = await recording
    finally:
        await world.connection.execute("set default_transaction_isolation = 'read committed'")
    assert is_recorded is (isolation == "repeatable read")
    assert await world.has_events() is is_recorded


async def test_an_executed_request_is_found_before_anything_is_written(world: World) -> None:
    """Also in an earlier period, whose claims a unique index does not reject."""
    old, current, new = uuid.uuid4(), uuid.uuid4(), uuid.uuid4()
    week_ago = NOW - timedelta(seconds=PERIOD_SECONDS)
    async with world.connection.transaction():
        for request, time in [(old, week_ago), (current, NOW)]:
            await claim(world.connection, world.tenant, Method.RECORD_CLICK, request, {}, time)
    assert await world.read([new, old]) is None
    assert await world.read([new, current]) is None
    assert await world.read([new]) is not None


async def test_a_request_id_that_is_claimed_meanwhile_undoes_all_claims(world: World) -> None:
    """No event is recorded, and the other request ids of the commit can be claimed again."""
    first, second = uuid.uuid4(), uuid.uuid4()
    inputs = await world.read([first, second])
    async with world.connection.transaction():
        await claim(world.connection, world.tenant, Method.RECORD_CLICK, second, {}, NOW)
    assert not await world.record(inputs)
    assert not await world.has_events()
    assert await world.claimed() == 1
    assert await world.record(await world.read([first]))
    assert await world.claimed() == 2


async def test_an_error_that_is_no_conflict_is_raised(world: World) -> None:
    """For example an event in a month without a partition; nothing is left of the commit."""
    inputs = await world.read([uuid.uuid4()])
    assert inputs is not None
    events = [(world.campaign, 1, 1, False, 1, 0, 0, world.contacts[0], 1)]
    with pytest.raises(asyncpg.CheckViolationError):
        await record_single_events(world.connection, inputs, events, NOW, inserts_bitmaps=True)
    assert not await world.has_events()
    assert await world.claimed() == 0


RENAME = """
do $$ begin
    execute format('alter function %s rename to {new}', '{old}'::regproc::regprocedure);
end $$
"""


async def test_only_single_calls_need_the_function(authority: RunningAuthority) -> None:
    """Without it, the authority records a batch, and neither an open nor a click."""
    names = {"old": "record_single_events", "new": "hidden"}
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(connected(authority.process.data_dir))
        mailing = await send(await clients_of(stack, authority), ["ann", "bob"])
        batch = [
            hushpost_client.Event(mailing.tokens["bob"], verdict=hushpost_client.Verdict.HUMAN)
        ]
        await database.execute(RENAME.format(**names))
        try:
            await mailing.clients.edge.tracking.record_events(batch)
            for record in (mailing.open, mailing.click):
                with pytest.raises(hushpost_client.HushpostError) as error:
                    await record("ann")
                assert error.value.reason is hushpost_client.ErrorReason.INTERNAL
        finally:
            await database.execute(RENAME.format(old=names["new"], new=names["old"]))
        await mailing.open("ann")
        stats = await mailing.stats()
        assert stats.opens.human.identified == Count(2, 2)
        assert stats.clicks.human.identified == Count(0, 0)
