"""One person clicks an AGGREGATE link again and again, through the edge."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from hushpost_client import DoNotTrack, Mode, PolicyUpdate, Release
from tests.conftest import Clients, RunningAuthority, make_tenant
from tests.edge.edge_process import EdgeProcess
from tests.edge.raw_http import Connection
from tests.mailing import Mailing, clients_of, eventually, send

from .attack import Attack, Score
from .conftest import Report

CLICKS = 1_000
CONNECTIONS = 4
OTHERS = 3


@dataclass(frozen=True)
class World:
    """A tenant whose undecided contacts are AGGREGATE, with exact counts, and its edge key."""

    authority: RunningAuthority
    clients: Clients
    edge_key: str

    async def counted(self, mailing: Mailing) -> tuple[int, int]:
        """Return the AGGREGATE and the identified clicks of a campaign."""
        stats = await mailing.stats()
        human = stats.clicks.human
        assert human.aggregate is not None
        return human.aggregate.total, human.identified.total


@pytest.fixture
async def world(authority: RunningAuthority) -> AsyncIterator[World]:
    """The tenant."""
    policy = PolicyUpdate(mode_when_unset=Mode.AGGREGATE, release=Release.EXACT)
    async with AsyncExitStack() as stack:
        keys = await make_tenant(authority, policy)
        yield World(authority, await clients_of(stack, authority, keys=keys), keys.edge_key)


async def click(port: int, token: str, times: int, agent: str) -> None:
    """Click one link many times with one user agent, over a few connections."""

    async def click_in_turn(count: int) -> None:
        async with Connection(port) as connection:
            for _ in range(count):
                assert (await connection.get(f"/c/{token}/1", agent=agent)).status == 302

    await asyncio.gather(*(click_in_turn(times // CONNECTIONS) for _ in range(CONNECTIONS)))


async def attacked(world: World, folder: Path, name: str, *options: str) -> tuple[int, int]:
    """Click an AGGREGATE and an IDENTIFIED link 1,000 times each; return what is counted.

    Other clients click the AGGREGATE link once each.
    """
    await world.clients.sender.preferences.set_preference("known", DoNotTrack.FALSE)
    mailing = await send(world.clients, ["ann", "known"], name)
    with EdgeProcess(folder, world.authority.target, world.edge_key, *options) as edge:
        await click(edge.port, mailing.tokens["ann"], CLICKS, "Mozilla/5.0 Person")
        await click(edge.port, mailing.tokens["known"], CLICKS, "Mozilla/5.0 Person")
        for number in range(OTHERS):
            async with Connection(edge.port) as connection:
                path = f"/c/{mailing.tokens['ann']}/1"
                await connection.get(path, agent=f"Mozilla/5.0 Other {number}")

        async def is_shipped() -> bool:
            identified = (await world.counted(mailing))[1]
            return identified == CLICKS and edge.waiting_events() == 0

        await eventually(is_shipped, "all clicks are counted")
    return await world.counted(mailing)


async def test_one_client_counts_once_in_aggregate_counts(
    world: World, tmp_path: Path, report: Report
) -> None:
    """1,000 clicks of one client count once in mode AGGREGATE; identified clicks all count."""
    aggregate, identified = await attacked(world, tmp_path / "bound", "bound")
    control, _ = await attacked(world, tmp_path / "control", "control", "--repeat-window-seconds=0")
    real = Score(CLICKS, aggregate - OTHERS)
    report(
        Attack("AGGREGATE: clicks of one client that count", real, Score(CLICKS, control - OTHERS))
    )
    assert (aggregate, identified) == (1 + OTHERS, CLICKS)
    assert control == CLICKS + OTHERS
