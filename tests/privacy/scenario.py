"""An authority with one tenant, dedicated to a test module, and actions of its recipients."""

import subprocess
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from hushpost_client import DoNotTrack, Event, PreferenceEntry, Verdict
from hushpost_service.tokens.codec import TokenCodec, TrackingToken
from hushpost_service.tokens.keyring import Keyring
from tests.authority import HUSHPOST, AuthorityProcess
from tests.conftest import Clients, RunningAuthority
from tests.inspection import Connection, database_uri
from tests.mailing import Mailing, clients_of, eventually, send

__all__ = ["Scenario", "start_scenario"]

_BATCH = 10_000

_VACUUM_TIME = """
select clock_timestamp(), total_vacuum_time from pg_stat_user_tables where relname = 'contacts'
"""

# Whether a vacuum that started after $1 has ended and no follow-up is pending. A follow-up
# is needed when an open transaction kept the vacuum from removing some dead tuples.
_IS_VACUUMED = """
select last_vacuum - (total_vacuum_time - $2) * interval '1 millisecond' > $1
    and (n_dead_tup = 0 or last_vacuum < clock_timestamp() - interval '5 seconds')
from pg_stat_user_tables where relname = 'contacts'
"""


@dataclass
class Scenario:
    """An authority, one tenant with its clients, and a superuser connection to the database."""

    process: AuthorityProcess
    clients: Clients
    database: Connection

    @property
    def postgres(self) -> Path:
        """The PostgreSQL data directory."""
        return self.process.data_dir / "postgres"

    async def choose(self, contacts: Sequence[str], choice: DoNotTrack) -> None:
        """Set the same preference for all given contacts, in batches of 10,000."""
        for start in range(0, len(contacts), _BATCH):
            await self.clients.sender.preferences.batch_set_preferences(
                [PreferenceEntry(name, choice) for name in contacts[start : start + _BATCH]]
            )

    async def mail(self, contacts: Sequence[str], campaign_id: str) -> Mailing:
        """Send a campaign to the contacts, all in one group."""
        return await send(self.clients, contacts, campaign_id)

    async def act(self, mailing: Mailing, contacts: Sequence[str], link: int = 0) -> None:
        """Record one event per contact in a single batch, sorted by contact ID."""
        events = [
            Event(mailing.tokens[name], link_number=link or None, verdict=Verdict.HUMAN)
            for name in sorted(contacts)
        ]
        recorded = await self.clients.edge.tracking.record_events(events)
        assert not recorded.rejected

    async def wait_for_vacuum(self) -> None:
        """Wait until the contact vacuum has processed all changes made so far."""
        row = await self.database.fetchrow(_VACUUM_TIME)
        assert row
        changed, spent = row

        async def is_vacuumed() -> bool:
            return bool(await self.database.fetchval(_IS_VACUUMED, changed, spent))

        await eventually(is_vacuumed, "contacts are vacuumed")

    async def reconnect(self) -> None:
        """Reconnect to the database after a restart."""
        self.database.terminate()
        self.database = await asyncpg.connect(database_uri(self.process.data_dir))

    def scrub(self) -> None:
        """Run `hushpost scrub`."""
        subprocess.run(
            [HUSHPOST, "scrub", "--data-dir", self.process.data_dir],
            check=True,
            timeout=100,
            capture_output=True,
        )

    def open_token(self, token: str) -> TrackingToken:
        """Decrypt a token with the authority's keyring."""
        return self._codec().open(token)

    def seal_token(self, token: TrackingToken) -> str:
        """Encrypt a token with the authority's keyring."""
        return self._codec().seal(token)

    def _codec(self) -> TokenCodec:
        return TokenCodec(Keyring.load(self.process.data_dir / "keyring.json"))


@asynccontextmanager
async def start_scenario(folder: Path, *options: str) -> AsyncIterator[Scenario]:
    """Start an authority in `folder` that no other test uses.

    Autovacuum is off: it runs independently of events, and its writes would be mistaken
    for effects of an event.
    """
    with AuthorityProcess(folder, *options) as process:
        running = RunningAuthority.of(process)
        async with AsyncExitStack() as stack:
            clients = await clients_of(stack, running)
            scenario = Scenario(
                process, clients, await asyncpg.connect(database_uri(process.data_dir))
            )
            await scenario.database.execute("alter system set autovacuum = off")
            await scenario.database.execute("select pg_reload_conf()")
            try:
                yield scenario
            finally:
                scenario.database.terminate()
