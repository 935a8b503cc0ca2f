"""An authority and an edge with canary contacts, for searches of the data on disk."""

import base64
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from hushpost_client import (
    DoNotTrack,
    HushpostError,
    PreferenceEntry,
    Role,
)
from tests.edge.edge_process import EdgeProcess
from tests.edge.raw_http import Connection as Reader
from tests.mailing import GROUP, URLS, Mailing, eventually

from .canaries import Canaries
from .scenario import Scenario, start_scenario
from .wal import names_of_files

__all__ = ["CanaryScenario", "start_canary_scenario"]


@dataclass
class CanaryScenario:
    """A running authority and edge with four kinds of canary contacts.

    Attributes:
        hidden: Opted out before their mail was sent.
        in_flight: Opted out after their mail was sent, before their events arrived.
        anonymized: Opted out after their events arrived, which were then anonymized.
        known: Agreed to tracking.
        names: Names of all relations that have existed, by file.
    """

    scenario: Scenario
    edge: EdgeProcess
    hidden: Canaries
    in_flight: Canaries
    anonymized: Canaries
    known: Canaries
    names: dict[str, str] = field(default_factory=dict)
    mailing: Mailing | None = None

    @property
    def kinds(self) -> list[Canaries]:
        """All canaries."""
        return [self.hidden, self.in_flight, self.anonymized, self.known]

    async def learn_names(self) -> None:
        """Add the current files of all relations to `names`."""
        self.names.update(await names_of_files(self.scenario.database))

    async def record(self) -> None:
        """Send mail, record events, and opt contacts out in between."""
        for canaries, choice in (
            (self.hidden, DoNotTrack.TRUE),
            (self.in_flight, DoNotTrack.UNSET),
            (self.anonymized, DoNotTrack.UNSET),
            (self.known, DoNotTrack.FALSE),
        ):
            await self._create(canaries, choice)
        contacts = [name for canaries in self.kinds for name in canaries.names]
        mailing = self.mailing = await self.scenario.mail(contacts, "canaries")
        await mailing.open(*self.anonymized.names[:50], *self.known.names[:50])
        await self.scenario.act(mailing, [*self.anonymized.names, *self.known.names], link=1)
        # Autovacuum, which is off, would analyze eventually.
        await self.scenario.database.execute("analyze")
        for name in self.in_flight.names[:10]:
            await self.scenario.clients.sender.preferences.set_preference(name, DoNotTrack.TRUE)
        await self.scenario.choose([*self.in_flight.names, *self.anonymized.names], DoNotTrack.TRUE)
        await self._read(mailing, [*self.hidden.names, *self.in_flight.names])
        await self._make_failing_calls(mailing)
        await self.scenario.database.execute("analyze")
        await self.learn_names()

    async def record_more(self) -> None:
        """Record more events, without waiting for the edge to ship them."""
        assert self.mailing
        names = [*self.hidden.names, *self.in_flight.names]
        async with Reader(self.edge.port) as reader:
            for name in names[:50]:
                token = self.mailing.tokens[name]
                assert (await reader.get(f"/c/{token}/2")).status == 302
        await self.scenario.act(self.mailing, names, link=2)

    async def _create(self, canaries: Canaries, choice: DoNotTrack) -> None:
        """Create the contacts, move their numbers to the canaries' range, and set a preference."""
        await self.scenario.choose(canaries.names, choice)
        await self.scenario.database.execute(
            "update contacts set contact = $1 + n - 1"
            " from unnest($2::text[]) with ordinality as input(name, n) where contact_id = name",
            canaries.first_number,
            canaries.names,
        )
        # As the authority does after it has written contacts.
        await self.scenario.database.execute("vacuum (freeze) contacts")
        await self.learn_names()

    async def _read(self, mailing: Mailing, names: Sequence[str]) -> None:
        """Record opens through the edge and by calls, clicks in a batch, and wait until counted."""
        before = await self._events()
        async with Reader(self.edge.port) as reader:
            for name in names[::4]:
                assert (await reader.get(f"/o/{mailing.tokens[name]}.gif")).status == 200
        await mailing.open(*names[1::4])
        await self.scenario.act(mailing, names, link=1)

        async def are_counted() -> bool:
            return await self._events() == before + len(names) * 3 // 2

        await eventually(are_counted, "all events are counted")

    async def _events(self) -> int:
        count = await self.scenario.database.fetchval("select sum(events) from counters")
        return int(count)

    async def _make_failing_calls(self, mailing: Mailing) -> None:
        """Make failing calls that contain hidden contacts, to check that logs do not contain them."""
        name = self.hidden.names[0]
        clients = self.scenario.clients
        too_long = PreferenceEntry(name, DoNotTrack.TRUE, evidence=name * 100)
        calls = (
            clients.sender.preferences.set_preference(name * 10, DoNotTrack.TRUE),
            clients.sender.preferences.batch_set_preferences([too_long]),
            clients.sender.campaigns.issue_tokens("no such", GROUP, [name]),
            clients.sender.campaigns.create_campaign(name * 10, links=URLS, groups=[GROUP]),
            clients.edge.tracking.record_open(name),
            clients.reporter.preferences.get_preference(name),
        )
        for call in calls:
            with suppress(HushpostError):
                await call
        async with Reader(self.edge.port) as reader:
            assert (await reader.get(f"/c/{mailing.tokens[name]}/99")).status == 404

    def tokens_on_disk(self) -> int:
        """Count the common prefix of the campaign's tokens in all files, as bytes and as text."""
        assert self.mailing
        token = next(iter(self.mailing.tokens.values()))
        raw = base64.urlsafe_b64decode(token)[:10]
        contents = [
            file.read_bytes() for file in self.edge.folder.parent.rglob("*") if file.is_file()
        ]
        return sum(content.count(raw) + content.count(token[:12].encode()) for content in contents)

    def stop(self) -> None:
        """Stop edge, authority and database gracefully."""
        self.edge.stop()
        self.scenario.process.stop()
        self.scenario.process.end_postgres()

    async def start(self) -> None:
        """Restart authority and edge."""
        self.scenario.process.start()
        self.edge.start()
        await self.scenario.reconnect()

    def crash(self) -> None:
        """Kill edge, authority and database."""
        self.edge.kill()
        self.scenario.process.kill()
        self.scenario.process.end_postgres(signal.SIGKILL)


@asynccontextmanager
async def start_canary_scenario(folder: Path, count: int) -> AsyncIterator[CanaryScenario]:
    """Start an authority and an edge, create `count` canaries of each kind, and record events."""
    async with start_scenario(folder / "authority", "--log-level", "debug") as scenario:
        secret = await _edge_key(scenario)
        with EdgeProcess(folder / "edge", scenario.process.target, secret) as edge:
            canary_scenario = CanaryScenario(
                scenario,
                edge,
                Canaries("hidden", count),
                Canaries("in_flight", count),
                Canaries("anonymized", count),
                Canaries("known", count),
            )
            await canary_scenario.record()
            yield canary_scenario


async def _edge_key(scenario: Scenario) -> str:
    made = await scenario.clients.installation.admin.create_api_key(Role.EDGE)
    assert made.secret is not None
    return made.secret
