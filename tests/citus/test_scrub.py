"""`hushpost scrub` on each server of a cluster removes the remains of deleted events."""

import asyncio
import os
import struct
import subprocess
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from hushpost_client import DoNotTrack
from tests.authority import HUSHPOST, AuthorityProcess
from tests.citus_database import worker_addresses
from tests.conftest import RunningAuthority
from tests.inspection import connected, contact_number, database_uri, on, tenant_number
from tests.mailing import Mailing, clients_of, exact_count, send

READERS = [f"canary-{number:03}@mail.example.com" for number in range(40)]
ANONYMIZED, KEPT = READERS[10], READERS[30]

FOLDER = """
select current_setting('data_directory') || '/base/' || oid
from pg_database where datname = current_database()
"""

SHARDS = "select relname from pg_class where relname ~ '^(counters|slot_bits)_[0-9]+$' order by 1"


@dataclass(frozen=True)
class Town:
    """A campaign of a tenant, and the addresses of the servers of its database."""

    mailing: Mailing
    servers: list[str]
    needles: dict[str, bytes]

    async def found(self) -> set[str]:
        """Return whose events are in any file of the database on any server."""
        names = set()
        for server in self.servers:
            async with on(server) as connection:
                await connection.execute("checkpoint")
                names |= _found(await connection.fetchval(FOLDER), self.needles)
        return names


def _found(folder: str, needles: dict[str, bytes]) -> set[str]:
    """Return the names of the needles that are in any file of a folder."""
    if not Path(folder).exists():
        pytest.skip("the servers are not on this machine")
    contents = [file.read_bytes() for file in Path(folder).iterdir() if file.is_file()]
    return {
        name for name, needle in needles.items() if any(needle in content for content in contents)
    }


@pytest.fixture
async def town(tmp_path: Path) -> AsyncIterator[Town]:
    """Recipients who opened and clicked; one has opted out."""
    async with AsyncExitStack() as stack:
        process = stack.enter_context(AuthorityProcess(tmp_path))
        authority = RunningAuthority.of(process)
        clients = await clients_of(stack, authority)
        mailing = await send(clients, READERS)
        await mailing.open(*READERS)
        await mailing.click(*READERS)
        async with connected(process.data_dir) as database:
            tenant = await tenant_number(database, clients.tenant_id)
            campaign = await database.fetchval("select campaign from campaigns")
            # In event rows and in the index by campaign, campaign and contact are adjacent.
            needles = {
                name: struct.pack("<qq", campaign, await contact_number(database, tenant, name))
                for name in (ANONYMIZED, KEPT)
            }
        await clients.sender.preferences.set_preference(ANONYMIZED, DoNotTrack.TRUE)
        address = database_uri(process.data_dir)
        yield Town(mailing, [address, *await worker_addresses(address)], needles)


def scrub(server: str) -> "subprocess.CompletedProcess[str]":
    """Run the command."""
    return subprocess.run(
        [HUSHPOST, "scrub"],
        env={**os.environ, "HUSHPOST_DATABASE_URL": server},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


async def test_scrubbing_each_server_removes_all_traces(town: Town) -> None:
    """Deleted events are in the files before, and gone afterwards; calls go on."""
    assert await town.found() == {ANONYMIZED, KEPT}
    for server in town.servers:
        done = await asyncio.to_thread(scrub, server)
        # Whether old WAL is gone depends on the servers.
        assert done.returncode == 0 or "the tables are scrubbed" in done.stderr, done.stderr
    assert await town.found() == {KEPT}
    await town.mailing.click(KEPT, link=2)
    clicks = (await town.mailing.stats()).clicks.human
    assert clicks.identified.total == len(READERS)
    assert exact_count(clicks.anonymous).total == 1


async def test_scrubbed_rows_of_shards_have_no_order(town: Town) -> None:
    """Rows of anonymous counts share one transaction id, and are sorted by key."""
    for server in town.servers:
        await asyncio.to_thread(scrub, server)
    rows = 0
    for worker in town.servers[1:]:
        async with on(worker) as connection:
            await connection.execute("set citus.override_table_visibility = off")
            for (shard,) in await connection.fetch(SHARDS):
                last = "hour" if shard.startswith("counters") else "chunk"
                columns = f"tenant, campaign, group_number, signal, machine, mode, {last}"
                statement = f"select xmin::text, {columns} from {shard} order by ctid"  # noqa: S608 - ours
                lying = list(map(tuple, await connection.fetch(statement)))
                assert len({xmin for xmin, *_ in lying}) <= 1
                keys = [key for _, *key in lying]
                assert keys == sorted(keys)
                rows += len(keys)
    assert rows > 2, "control: there are rows"
