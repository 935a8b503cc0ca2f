"""While a tenant moves from worker to worker, nothing is lost, counted twice, or recorded late."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass

import pytest

from hushpost_client import Count, DoNotTrack, PolicyUpdate, Release
from tests.authority import AuthorityProcess
from tests.citus.shards import (
    clean_up,
    isolate,
    move,
    placements,
    rebalance,
    unbalance,
    worker_of,
)
from tests.conftest import Clients, make_tenant
from tests.faults.load import PatientAuthority, prepared, under_load
from tests.inspection import Connection, connected, contact_number, tenant_number
from tests.mailing import clients_of, exact_count, send
from tests.modes.test_opt_out_under_load import load

PEOPLE = 6_000
MOVES = 3
READERS = tuple(f"reader-{number}" for number in range(12))

ROWS = "select count(*) from events where tenant = $1 and contact = any($2::bigint[])"


@dataclass(frozen=True)
class Town:
    """A tenant whose clients retry, and a connection to the coordinator."""

    clients: Clients
    tenant: int
    database: Connection

    async def move(self) -> None:
        """Move the tenant to another worker."""
        await move(self.database, self.tenant)


@pytest.fixture
async def town(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Town]:
    """A tenant with exact counts at an authority of its own."""
    with AuthorityProcess(tmp_path_factory.mktemp("moves")) as process:
        authority = PatientAuthority(process, process.target, process.admin_key())
        keys = await make_tenant(authority, PolicyUpdate(release=Release.EXACT))
        async with AsyncExitStack() as stack:
            clients = await clients_of(stack, authority, keys=keys)
            database = await stack.enter_async_context(connected(process.data_dir))
            number = await tenant_number(database, keys.tenant_id)
            yield Town(clients, number, database)


@pytest.mark.timeout(300)
async def test_every_event_counts_once_while_its_tenant_moves(town: Town) -> None:
    """With retries, no event is lost and none is counted twice."""
    events = await prepared(town.clients, "moved", PEOPLE)
    async with under_load(events, after=PEOPLE // 10):
        for _ in range(MOVES):
            await town.move()
    await events.assert_counted_once()


@pytest.mark.timeout(300)
async def test_every_event_counts_once_while_shards_are_rebalanced(town: Town) -> None:
    """The same holds while Citus moves shards in the background, with the command of the page."""
    await unbalance(town.database)
    await clean_up(town.database)
    events = await prepared(town.clients, "rebalanced", PEOPLE)
    async with under_load(events, after=PEOPLE // 10):
        await rebalance(town.database)
    assert len(set((await placements(town.database)).values())) > 1
    await events.assert_counted_once()


@pytest.mark.timeout(300)
async def test_every_event_counts_once_while_its_tenant_is_isolated(town: Town) -> None:
    """The same holds while a tenant gets a shard of its own, which then moves."""
    events = await prepared(town.clients, "isolated", PEOPLE)
    shards = await placements(town.database)
    before = await worker_of(town.database, town.tenant)
    async with under_load(events, after=PEOPLE // 10):
        await isolate(town.database, town.tenant)
        await town.move()
    assert len(await placements(town.database)) > len(shards)
    assert await worker_of(town.database, town.tenant) != before
    await events.assert_counted_once()


@pytest.mark.timeout(300)
async def test_opt_outs_are_immediate_while_their_tenant_moves(town: Town) -> None:
    """Once an opt-out has returned, no row names the contact, before and after each move."""
    mailing = await send(town.clients, READERS)
    numbers = {name: await contact_number(town.database, town.tenant, name) for name in READERS}
    opted_out: list[int] = []
    async with load(mailing) as recorded:
        for position, name in enumerate(READERS):
            await town.clients.sender.preferences.set_preference(name, DoNotTrack.TRUE)
            opted_out.append(numbers[name])
            assert await town.database.fetchval(ROWS, town.tenant, opted_out) == 0
            if position % 4 == 0:
                await town.move()
                assert await town.database.fetchval(ROWS, town.tenant, opted_out) == 0
    assert await town.database.fetchval(ROWS, town.tenant, opted_out) == 0
    opens = (await mailing.stats()).opens.human
    assert opens.identified == Count(0, 0)
    assert exact_count(opens.anonymous).total == sum(recorded)
