"""A village of canaries, whose mail is read through an edge and otherwise."""

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

from .crowd import Town, a_town
from .traces import Canaries
from .wal import names_of_files

__all__ = ["Village", "a_village"]


@dataclass
class Village:
    """Canaries of four kinds.

    `hidden` had opted out when their mail was sent; `flying` opted out before
    their events arrived; `folded` afterwards, so that their events were folded;
    `known` agreed. `names` are the relations that there have been, by file.
    """

    town: Town
    edge: EdgeProcess
    hidden: Canaries
    flying: Canaries
    folded: Canaries
    known: Canaries
    names: dict[str, str] = field(default_factory=dict)
    mailing: Mailing | None = None

    @property
    def kinds(self) -> list[Canaries]:
        """All canaries."""
        return [self.hidden, self.flying, self.folded, self.known]

    async def learn_names(self) -> None:
        """Learn which relations have which files now."""
        self.names.update(await names_of_files(self.town.database))

    async def live(self) -> None:
        """Send mail, have it read, and have some opt out in between."""
        for canaries, choice in (
            (self.hidden, DoNotTrack.TRUE),
            (self.flying, DoNotTrack.UNSET),
            (self.folded, DoNotTrack.UNSET),
            (self.known, DoNotTrack.FALSE),
        ):
            await self._settle(canaries, choice)
        everybody = [name for canaries in self.kinds for name in canaries.names]
        mailing = self.mailing = await self.town.mail(everybody, "canaries")
        await mailing.open(*self.folded.names[:50], *self.known.names[:50])
        await self.town.act(mailing, [*self.folded.names, *self.known.names], link=1)
        # As autovacuum would do some day.
        await self.town.database.execute("analyze")
        for name in self.flying.names[:10]:
            await self.town.clients.sender.preferences.set_preference(name, DoNotTrack.TRUE)
        await self.town.choose([*self.flying.names, *self.folded.names], DoNotTrack.TRUE)
        await self._read(mailing, [*self.hidden.names, *self.flying.names])
        await self._blunder(mailing)
        await self.town.database.execute("analyze")
        await self.learn_names()

    async def live_on(self) -> None:
        """Have more mail read, and do not wait until the edge has told of it."""
        assert self.mailing
        names = [*self.hidden.names, *self.flying.names]
        async with Reader(self.edge.port) as reader:
            for name in names[:50]:
                token = self.mailing.tokens[name]
                assert (await reader.get(f"/c/{token}/2")).status == 302
        await self.town.act(self.mailing, names, link=2)

    async def _settle(self, canaries: Canaries, choice: DoNotTrack) -> None:
        """Make contacts known under numbers of their own."""
        await self.town.database.execute(
            f"alter sequence contacts_contact_seq restart with {canaries.first_number}"
        )
        await self.town.choose(canaries.names, choice)
        await self.learn_names()

    async def _read(self, mailing: Mailing, names: Sequence[str]) -> None:
        """Open messages through the edge, in calls, and click in a batch; wait for all."""
        before = await self._events()
        async with Reader(self.edge.port) as reader:
            for name in names[::4]:
                assert (await reader.get(f"/o/{mailing.tokens[name]}.gif")).status == 200
        await mailing.open(*names[1::4])
        await self.town.act(mailing, names, link=1)

        async def are_counted() -> bool:
            return await self._events() == before + len(names) * 3 // 2

        await eventually(are_counted, "all events are counted")

    async def _events(self) -> int:
        count = await self.town.database.fetchval("select sum(events) from counters")
        return int(count)

    async def _blunder(self, mailing: Mailing) -> None:
        """Make calls that name hidden contacts and fail, for what the logs make of them."""
        name = self.hidden.names[0]
        clients = self.town.clients
        too_long = PreferenceEntry(name, DoNotTrack.TRUE, evidence=name * 100)
        blunders = (
            clients.sender.preferences.set_preference(name * 10, DoNotTrack.TRUE),
            clients.sender.preferences.batch_set_preferences([too_long]),
            clients.sender.campaigns.issue_tokens("no such", GROUP, [name]),
            clients.sender.campaigns.create_campaign(name * 10, links=URLS, groups=[GROUP]),
            clients.edge.tracking.record_open(name),
            clients.reporter.preferences.get_preference(name),
        )
        for blunder in blunders:
            with suppress(HushpostError):
                await blunder
        async with Reader(self.edge.port) as reader:
            assert (await reader.get(f"/c/{mailing.tokens[name]}/99")).status == 404

    def tokens_on_disk(self) -> int:
        """Count in all files what the campaign's tokens begin with, in bytes or as text."""
        assert self.mailing
        token = next(iter(self.mailing.tokens.values()))
        raw = base64.urlsafe_b64decode(token)[:10]
        contents = [
            file.read_bytes() for file in self.edge.folder.parent.rglob("*") if file.is_file()
        ]
        return sum(content.count(raw) + content.count(token[:12].encode()) for content in contents)

    def stop(self) -> None:
        """End everything in peace."""
        self.edge.stop()
        self.town.process.stop()
        self.town.process.end_postgres()

    async def start(self) -> None:
        """Start everything again."""
        self.town.process.start()
        self.edge.start()
        await self.town.reconnect()

    def crash(self) -> None:
        """End everything at once."""
        self.edge.kill()
        self.town.process.kill()
        self.town.process.end_postgres(signal.SIGKILL)


@asynccontextmanager
async def a_village(folder: Path, count: int) -> AsyncIterator[Village]:
    """Start an authority and an edge, with so many canaries of each kind to come."""
    async with a_town(folder / "authority", "--log-level", "debug") as town:
        secret = await _edge_key(town)
        with EdgeProcess(folder / "edge", town.process.target, secret) as edge:
            village = Village(
                town,
                edge,
                Canaries("hidden", count),
                Canaries("flying", count),
                Canaries("folded", count),
                Canaries("known", count),
            )
            await village.live()
            yield village


async def _edge_key(town: Town) -> str:
    made = await town.clients.installation.admin.create_api_key(Role.EDGE)
    assert made.secret is not None
    return made.secret
