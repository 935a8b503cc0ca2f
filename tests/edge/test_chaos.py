"""Kills random processes under load; every redirected click must count exactly once.

The normal test run includes a short run. `make test-chaos` runs for longer, and
`HUSHPOST_TEST_CHAOS_SEED` repeats a run.
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
from .edge_process import EdgeProcess
from .raw_http import Connection
from .waiting import eventually

SECONDS = float(os.environ.get("HUSHPOST_TEST_CHAOS_SECONDS", "8"))
SEED = int(os.environ.get("HUSHPOST_TEST_CHAOS_SEED") or secrets.randbits(32))
CLIENTS = 8
CLICKS_PER_SECOND = 400
START_ATTEMPTS = 5


@dataclass
class Load:
    """Clients that click once per contact; `redirected` are the contacts of completed clicks."""

    mailing: Mailing
    redirected: set[str] = field(default_factory=set)
    cut_off: int = 0

    async def click(self, port: int, contacts: Iterator[str], until: float) -> None:
        """Click for one contact after the other, and reconnect after errors."""
        loop = asyncio.get_running_loop()
        while loop.time() < until:
            with suppress(OSError):
                async with Connection(port) as connection:
                    await self._click_on(connection, contacts, until)
            await asyncio.sleep(0.05)

    async def _click_on(
        self, connection: Connection, contacts: Iterator[str], until: float
    ) -> None:
        loop = asyncio.get_running_loop()
        while loop.time() < until:
            contact = next(contacts)
            try:
                response = await connection.get(f"/c/{self.mailing.tokens[contact]}/1")
            except (EOFError, ConnectionError):
                self.cut_off += 1
                return
            assert response.status == 302
            self.redirected.add(contact)
            await asyncio.sleep(CLIENTS / CLICKS_PER_SECOND)


@dataclass
class Killer:
    """Kills processes, and restarts those that nothing else restarts."""

    authority: AuthorityProcess
    edge: EdgeProcess
    rng: random.Random
    kills: list[str] = field(default_factory=list)

    async def run(self, until: float) -> None:
        """Kill each process at least once, then at random."""
        kills = (self._edge, self._workers, self._authority, self._database, self._all)
        loop = asyncio.get_running_loop()
        pending = self.rng.sample(kills, len(kills))
        while loop.time() < until:
            await asyncio.sleep(self.rng.uniform(0.1, 0.8))
            kill = pending.pop() if pending else self.rng.choice(kills)
            self.kills.append(kill.__name__)
            await asyncio.to_thread(kill)
            await asyncio.to_thread(self.restart_edge)

    def restart_edge(self) -> None:
        """Start the edge if it has stopped, as a supervisor such as systemd would."""
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
        # Until init reaps a killed database process, it looks alive, and the start of
        # the authority fails.
        for _ in range(START_ATTEMPTS - 1):
            with suppress(AssertionError):
                self.authority.start()
                return
            time.sleep(0.5)
        self.authority.start()

    def _database(self) -> None:
        # The authority restarts it.
        self.authority.end_postgres(signal.SIGKILL)

    def _all(self) -> None:
        self.authority.kill()
        self.authority.end_postgres(signal.SIGKILL)
        self.edge.kill()
        self._start_authority()
        self.edge.start()


@pytest.mark.timeout(SECONDS + 150)
async def test_redirected_clicks_count_exactly_once(tmp_path: Path, folder: Path) -> None:
    """Each click that was redirected is counted, and none is counted twice."""
    print(f"HUSHPOST_TEST_CHAOS_SEED={SEED}")  # noqa: T201 - to repeat a failure
    contacts = [f"reader-{number}" for number in range(int(SECONDS * CLICKS_PER_SECOND * 1.5))]
    with AuthorityProcess(tmp_path / "authority") as authority:
        own = await set_up(authority.target, authority.admin_key())
        async with connect(authority, own.sender_key) as sender:
            mailing = await send(sender, contacts)
        load = Load(mailing)
        with EdgeProcess(folder, authority.target, own.edge_key, "--workers=2") as edge:
            killer = Killer(authority, edge, random.Random(SEED))  # noqa: S311 - repeatable
            until = asyncio.get_running_loop().time() + SECONDS
            pending = iter(contacts)
            await asyncio.gather(
                killer.run(until),
                *(load.click(edge.port, pending, until) for _ in range(CLIENTS)),
            )
            await asyncio.to_thread(killer.restart_edge)
            await asyncio.to_thread(edge.wait)
            await check(authority, own, load)
    print(f"{len(load.redirected)} redirected, {load.cut_off} cut off, {killer.kills}")  # noqa: T201


async def check(authority: AuthorityProcess, own: OwnAuthority, load: Load) -> None:
    """Compare the redirected contacts with the counted ones."""
    assert load.redirected
    async with connect(authority, own.reporter_key) as reporter:

        async def uncounted_clicks() -> int:
            engaged = reporter.stats.list_engaged_contacts(
                load.mailing.campaign_id, Engagement.CLICKED, page_size=1_000
            )
            try:
                return len(load.redirected - {contact.contact_id async for contact in engaged})
            except UnavailableError:
                # The database has been killed and is still restarting.
                return len(load.redirected)

        await eventually(uncounted_clicks, 0, 60)
        stats = await reporter.stats.get_campaign_stats(load.mailing.campaign_id)
    clicks = stats.clicks.human.identified
    assert clicks.total == clicks.unique
    # A click may be recorded although its response was cut off.
    assert len(load.redirected) <= clicks.total <= len(load.redirected) + load.cut_off
    assert stats.clicks.machine.identified.total == 0


def connect(authority: AuthorityProcess, key: str) -> Hushpost:
    """Create a client."""
    return Hushpost.connect(authority.target, api_key=key, tls=False, timeout=60)
