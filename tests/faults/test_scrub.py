"""After `hushpost scrub`, the database files contain no anonymized event or erased contact."""

import asyncio
import struct
import subprocess
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from hushpost_client import DoNotTrack, History
from tests.authority import HUSHPOST, AuthorityProcess
from tests.conftest import RunningAuthority
from tests.inspection import connected, contact_number, database_uri, on, tenant_number
from tests.mailing import Mailing, clients_of, exact_count, send

READERS = [f"canary-{number:03}@mail.example.com" for number in range(60)]
ANONYMIZED, ERASED, KEPT = READERS[10], READERS[20], READERS[30]

SECONDS = 60


@dataclass(frozen=True)
class Town:
    """A separate authority with a campaign."""

    process: AuthorityProcess
    mailing: Mailing
    needles: dict[str, bytes]


def _scrub(folder: Path, uri: str | None = None) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [HUSHPOST, "scrub", "--data-dir", folder],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
        env=None if uri is None else {"HUSHPOST_DATABASE_URL": uri},
    )


def _found(folder: Path, needles: dict[str, bytes]) -> set[str]:
    """Return the needles found in any file."""
    found = set()
    for file in folder.rglob("*"):
        try:
            content = file.read_bytes() if file.is_file() else b""
        except FileNotFoundError:
            continue  # Old files of the log come and go.
        found |= {name for name, needle in needles.items() if needle in content}
    return found


async def _needles(process: AuthorityProcess, tenant_id: str) -> dict[str, bytes]:
    """Return the bytes that reveal a contact's behaviour."""
    async with connected(process.data_dir) as database:
        tenant = await tenant_number(database, tenant_id)
        campaign = await database.fetchval("select campaign from campaigns")
        numbers = {
            name: await contact_number(database, tenant, name)
            for name in (ANONYMIZED, ERASED, KEPT)
        }
    # In event rows and in the index by campaign, campaign and contact are
    # adjacent.
    acted = {name: struct.pack("<qq", int(campaign), number) for name, number in numbers.items()}
    return {
        "events of who opted out": acted[ANONYMIZED],
        "events of who was erased": acted[ERASED],
        "events of who may be tracked": acted[KEPT],
        "number of who was erased": struct.pack("<q", numbers[ERASED]),
        "id of who was erased": ERASED.encode(),
        "id of who opted out": ANONYMIZED.encode(),
    }


@pytest.fixture
async def town(tmp_path: Path) -> AsyncIterator[Town]:
    """Recipients who opened and clicked; one has opted out, one is erased."""
    async with AsyncExitStack() as stack:
        process = stack.enter_context(AuthorityProcess(tmp_path))
        authority = RunningAuthority.of(process)
        clients = await clients_of(stack, authority)
        mailing = await send(clients, READERS)
        await mailing.open(*READERS)
        await mailing.click(*READERS)
        needles = await _needles(process, clients.tenant_id)
        await clients.sender.preferences.set_preference(
            ANONYMIZED, DoNotTrack.TRUE, history=History.ANONYMIZE
        )
        await clients.sender.preferences.erase_contact(ERASED)
        yield Town(process, mailing, needles)


async def test_scrubbing_removes_all_traces(town: Town) -> None:
    """The bytes are in the files before, even after a VACUUM, and gone after scrubbing."""
    async with connected(town.process.data_dir) as database:
        await database.execute("vacuum")
        await database.execute("checkpoint")
    assert _found(town.process.data_dir, town.needles) == set(town.needles)
    done = await asyncio.to_thread(_scrub, town.process.data_dir)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("scrubbed: ")
    assert _found(town.process.data_dir, town.needles) == {
        "events of who may be tracked",
        "id of who opted out",
    }


async def test_scrubbed_rows_have_no_order(town: Town) -> None:
    """Rows of anonymous counts share one transaction id and are sorted by key."""
    await town.mailing.click(KEPT, link=2)
    for table in ("counters", "slot_bits"):
        statement = f"select count(distinct xmin::text) from {table}"  # noqa: S608 - ours
        async with connected(town.process.data_dir) as database:
            assert await database.fetchval(statement) > 1
    done = await asyncio.to_thread(_scrub, town.process.data_dir)
    assert done.returncode == 0, done.stderr
    columns = "campaign, group_number, signal, machine, mode"
    for table, last in (("counters", "hour"), ("slot_bits", "chunk")):
        rows = f"select {columns}, {last} from {table} order by"  # noqa: S608 - ours
        async with connected(town.process.data_dir) as database:
            assert await database.fetchval(f"select count(distinct xmin::text) from {table}") == 1  # noqa: S608 - ours
            lying = await database.fetch(f"{rows} ctid")
            assert lying == await database.fetch(f"{rows} tenant, {columns}, {last}")


async def test_events_are_recorded_during_a_scrub(town: Town) -> None:
    """Events before, during and after a scrub all count."""
    scrubbing = asyncio.create_task(asyncio.to_thread(_scrub, town.process.data_dir))
    others = [name for name in READERS if name != ERASED]
    rounds = 0
    while not scrubbing.done():
        await town.mailing.open(*others)
        rounds += 1
    assert (await scrubbing).returncode == 0
    await town.mailing.open(*others)
    stats = await town.mailing.stats()
    # The contact that opted out, and the erased one, count as anonymous.
    human = stats.opens.human
    assert human.identified.total == (rounds + 2) * (len(READERS) - 2)
    assert exact_count(human.anonymous).total + exact_count(human.aggregate).total == rounds + 2 + 1
    assert rounds > 1


async def test_a_scrub_waits_for_open_transactions(town: Town) -> None:
    """While a transaction sees deleted rows, the scrub waits."""
    async with connected(town.process.data_dir) as database:
        await database.execute("begin isolation level repeatable read; select from contacts")
        scrubbing = asyncio.create_task(asyncio.to_thread(_scrub, town.process.data_dir))
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(asyncio.shield(scrubbing), 4)
        await database.execute("commit")
    assert (await scrubbing).returncode == 0
    assert "events of who opted out" not in _found(town.process.data_dir, town.needles)


async def test_a_waiting_scrub_does_not_block_recording(town: Town) -> None:
    """The scrub requests a busy table's lock only briefly, so that events are still recorded."""
    async with connected(town.process.data_dir) as database:
        await database.execute("begin; lock table contacts in access share mode")
        scrubbing = asyncio.create_task(asyncio.to_thread(_scrub, town.process.data_dir))
        slowest = 0.0
        end = time.monotonic() + 5
        while time.monotonic() < end:
            start = time.monotonic()
            await town.mailing.open(KEPT)
            slowest = max(slowest, time.monotonic() - start)
        assert not scrubbing.done()
        await database.execute("commit")
    assert (await scrubbing).returncode == 0
    assert slowest < 3, "a fifth of a second at a time, and what the machine adds"


async def test_a_role_without_wal_rights_is_told_what_to_do(
    authority: RunningAuthority, tmp_path: Path
) -> None:
    """A database owner without superuser rights scrubs the tables and is told what remains."""
    server = database_uri(authority.process.data_dir)
    name = f"s_{uuid.uuid4().hex[:12]}"
    async with on(server) as connection:
        await connection.execute(f"create role {name} login")
        await connection.execute(f"create database {name} owner {name}")
    uri = server.replace("/postgres?", f"/{name}?").replace("postgres@", f"{name}@")
    try:
        done = await asyncio.to_thread(_scrub, tmp_path, uri)
    finally:
        async with on(server) as connection:
            await connection.execute(f"drop database {name} with (force)")
            await connection.execute(f"drop role {name}")
    assert done.returncode == 1
    assert "the tables are scrubbed" in done.stderr
    assert "superuser" in done.stderr
