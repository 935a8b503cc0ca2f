"""Everything is killed at random under load, and what was answered counts exactly once.

A short run belongs to every test run; `make test-chaos` sets the seconds, and
`HUSHPOST_CHAOS_SEED` repeats a run.
"""

import asyncio
import os
import random
import secrets
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from hushpost_client import Engagement, Hushpost, UnavailableError
from tests.authority import AuthorityProcess

from .conftest import Mailing, OwnAuthority, send, set_up
from .process import EdgeProcess
from .waiting import eventually
from .wire import Connection

SECONDS = float(os.environ.get("HUSHPOST_CHAOS_SECONDS", "8"))
SEED = int(os.environ.get("HUSHPOST_CHAOS_SEED") or secrets.randbits(32))
CLIENTS = 8
CLICKS_PER_SECOND = 400
STARTS = 5


@dataclass
class Load:
    """Readers who click once each; `answered` are those who got their redirect."""

    mailing: Mailing
    answered: set[str] = field(default_factory=set)
    cut_off: int = 0

    async def click(self, port: int, waiting: Iterator[str], until: float) -> None:
        """Click for one reader after the other; never twice for the same."""
        loop = asyncio.get_running_loop()
        while loop.time() < until:
            with suppress(OSError):
                async with Connection(port) as connection:
                    await self._click_on(connection, waiting, until)
            await asyncio.sleep(0.05)

    async def _click_on(self, connection: Connection, waiting: Iterator[str], until: float) -> None:
        loop = asyncio.get_running_loop()
        while loop.time() < until:
            contact = next(waiting)
            try:
                answer = await connection.get(f"/c/{self.mailing.tokens[contact]}/1")
            except (EOFError, ConnectionError):
                self.cut_off += 1
                return
            assert answer.status == 302
            self.answered.add(contact)
            await asyncio.sleep(CLIENTS / CLICKS_PER_SECOND)


@dataclass
class Havoc:
    """Kills one thing after the other, and starts again what does not start by itself."""

    authority: AuthorityProcess
    edge: EdgeProcess
    dice: random.Random
    kills: list[str] = field(default_factory=list)

    async def wreak(self, until: float) -> None:
        """Kill everything at least once, then at random."""
        acts = (self._edge, self._workers, self._authority, self._database, self._both)
        loop = asyncio.get_running_loop()
        todo = self.dice.sample(acts, len(acts))
        while loop.time() < until:
            await asyncio.sleep(self.dice.uniform(0.1, 0.8))
            act = todo.pop() if todo else self.dice.choice(acts)
            self.kills.append(act.__name__)
            await asyncio.to_thread(act)
            await asyncio.to_thread(self.revive)

    def revive(self) -> None:
        """Start the edge again if it gave up, as whatever runs it would."""
        if self.edge.process.poll() is not None:
            self.edge.start()

    def _edge(self) -> None:
        self.edge.kill()
        self.edge.start()

    def _workers(self) -> None:
        self.edge.kill_workers()

    def _authority(self) -> None:
        self.authority.kill()
        self._start_authority()

    def _start_authority(self) -> None:
        # Until whoever runs the machine has buried a killed database, it looks
        # alive, and the authority gives up on it.
        for _ in range(STARTS - 1):
            with suppress(AssertionError):
                self.authority.start()
                return
            time.sleep(0.5)
        self.authority.start()

    def _database(self) -> None:
        # Left to the authority, which starts it again.
        self.authority.end_postgres(signal.SIGKILL)

    def _both(self) -> None:
        self.authority.kill()
        self.authority.end_postgres(signal.SIGKILL)
        self.edge.kill()
        self._start_authority()
        self.edge.start()


@pytest.mark.timeout(SECONDS + 150)
async def test_what_was_answered_counts_once(tmp_path: Path, folder: Path) -> None:
    """Each click that got its redirect is counted, and none twice."""
    print(f"HUSHPOST_CHAOS_SEED={SEED}")  # noqa: T201 - to repeat a failure
    contacts = [f"reader-{number}" for number in range(int(SECONDS * CLICKS_PER_SECOND * 1.5))]
    with AuthorityProcess(tmp_path / "authority") as authority:
        own = await set_up(authority.target, authority.admin_key())
        async with connect(authority, own.sender_key) as sender:
            mailing = await send(sender, contacts)
        load = Load(mailing)
        with EdgeProcess(folder, authority.target, own.edge_key, "--workers=2") as edge:
            havoc = Havoc(authority, edge, random.Random(SEED))  # noqa: S311 - repeatable
            until = asyncio.get_running_loop().time() + SECONDS
            waiting = iter(contacts)
            await asyncio.gather(
                havoc.wreak(until),
                *(load.click(edge.port, waiting, until) for _ in range(CLIENTS)),
            )
            await asyncio.to_thread(havoc.revive)
            await asyncio.to_thread(edge.wait)
            await check(authority, own, load)
    print(f"{len(load.answered)} answered, {load.cut_off} cut off, {havoc.kills}")  # noqa: T201


async def check(authority: AuthorityProcess, own: OwnAuthority, load: Load) -> None:
    """Compare who got a redirect with who is counted."""
    assert load.answered
    async with connect(authority, own.reporter_key) as reporter:

        async def missing() -> int:
            engaged = reporter.stats.list_engaged_contacts(
                load.mailing.campaign_id, Engagement.CLICKED, page_size=1_000
            )
            try:
                return len(load.answered - {each.contact_id async for each in engaged})
            except UnavailableError:
                # The database was among the last that were killed, and is not back yet.
                return len(load.answered)

        await eventually(missing, 0, 60)
        stats = await reporter.stats.get_campaign_stats(load.mailing.campaign_id)
    clicks = stats.clicks.human.identified
    assert clicks.total == clicks.unique
    # A click may be on disk whose answer was cut off.
    assert len(load.answered) <= clicks.total <= len(load.answered) + load.cut_off
    assert stats.clicks.machine.identified.total == 0


def connect(authority: AuthorityProcess, key: str) -> Hushpost:
    """Prepare a client."""
    return Hushpost.connect(authority.target, api_key=key, tls=False, timeout=60)
