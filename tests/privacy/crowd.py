"""A crowd of recipients on an authority of the test's own, and what they do."""

import subprocess
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from hushpost_client import DoNotTrack, Event, PreferenceEntry, PreferenceSource, Verdict
from hushpost_service.tokens.codec import TokenCodec, TrackingToken
from hushpost_service.tokens.keyring import Keyring
from tests.authority import HUSHPOST, AuthorityProcess
from tests.conftest import Clients, RunningAuthority
from tests.inspection import Connection, database_uri
from tests.mailing import Mailing, clients_of, eventually, send

__all__ = ["Town", "a_town"]

_BATCH = 10_000

_VACUUMS = """
select clock_timestamp(), total_vacuum_time from pg_stat_user_tables where relname = 'contacts'
"""

# Whether a vacuum has ended that began after a moment, and no other is to follow,
# because some transaction still saw what it had to leave.
_IS_SETTLED = """
select last_vacuum - (total_vacuum_time - $2) * interval '1 millisecond' > $1
    and (n_dead_tup = 0 or last_vacuum < clock_timestamp() - interval '5 seconds')
from pg_stat_user_tables where relname = 'contacts'
"""


@dataclass
class Town:
    """An authority, a tenant with exact numbers, its clients, and a thief's connection."""

    process: AuthorityProcess
    clients: Clients
    database: Connection

    @property
    def postgres(self) -> Path:
        """The folder of the database."""
        return self.process.data_dir / "postgres"

    async def choose(self, contacts: Sequence[str], choice: DoNotTrack) -> None:
        """Set the preference of all of some contacts in one call."""
        for start in range(0, len(contacts), _BATCH):
            await self.clients.sender.preferences.batch_set_preferences(
                [
                    PreferenceEntry(name, choice, source=PreferenceSource.RECIPIENT)
                    for name in contacts[start : start + _BATCH]
                ]
            )

    async def mail(self, contacts: Sequence[str], campaign_id: str) -> Mailing:
        """Send a campaign to contacts in one group."""
        return await send(self.clients, contacts, campaign_id)

    async def act(self, mailing: Mailing, contacts: Sequence[str], link: int = 0) -> None:
        """Record an event of each contact in one call, whatever their order."""
        events = [
            Event(mailing.tokens[name], link_number=link or None, verdict=Verdict.HUMAN)
            for name in sorted(contacts)
        ]
        recorded = await self.clients.edge.tracking.record_events(events)
        assert not recorded.rejected

    async def settled(self) -> None:
        """Return once the authority has tidied up after what changed contacts until now."""
        row = await self.database.fetchrow(_VACUUMS)
        assert row
        changed, spent = row

        async def is_settled() -> bool:
            return bool(await self.database.fetchval(_IS_SETTLED, changed, spent))

        await eventually(is_settled, "contacts are vacuumed")

    async def reconnect(self) -> None:
        """Connect to the database again, after it was started again."""
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

    def opened(self, token: str) -> TrackingToken:
        """Open a token with the keyring."""
        return self._sealer().open(token)

    def sealed(self, token: TrackingToken) -> str:
        """Seal a token with the keyring."""
        return self._sealer().seal(token)

    def _sealer(self) -> TokenCodec:
        return TokenCodec(Keyring.load(self.process.data_dir / "keyring.json"))


@asynccontextmanager
async def a_town(folder: Path, *options: str) -> AsyncIterator[Town]:
    """Start an authority in a folder; nobody but the test has work done there.

    Autovacuum sleeps: it comes by itself, whoever acts, and would be taken for
    something that an event did.
    """
    with AuthorityProcess(folder, *options) as process:
        running = RunningAuthority(process, process.target, process.admin_key())
        async with AsyncExitStack() as stack:
            clients = await clients_of(stack, running)
            town = Town(process, clients, await asyncpg.connect(database_uri(process.data_dir)))
            await town.database.execute("alter system set autovacuum = off")
            await town.database.execute("select pg_reload_conf()")
            try:
                yield town
            finally:
                town.database.terminate()
