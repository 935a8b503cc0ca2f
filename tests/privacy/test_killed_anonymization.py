"""A long fold whose authority is killed: it is finished, and nobody waits for it meanwhile."""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path

import pytest

from hushpost_client import Count, DoNotTrack, Event, HushpostError, PreferenceEntry, Verdict
from tests.authority import AuthorityProcess
from tests.conftest import Clients
from tests.faults.load import IMPATIENT, PatientAuthority, started
from tests.inspection import Connection, connected, contact_number, tenant_number
from tests.mailing import Mailing, clients_of, eventually, send
from tests.privacy.attack import FULL, Attack, Score

EVENTS = 100_000 if FULL else 40_000
KILLS = 2 if FULL else 1
_BATCH = 10_000

Report = Callable[[Attack], None]


@pytest.mark.timeout(300)
async def test_a_killed_fold_is_finished_and_holds_up_nobody(
    tmp_path: Path, report: Report
) -> None:
    """After kill -9 half way nothing names the contact; others were answered all the while.

    The control is an authority that forgets what it has promised.
    """
    with AuthorityProcess(tmp_path) as process:
        running = PatientAuthority(process, process.target, process.admin_key(), IMPATIENT)
        async with AsyncExitStack() as stack:
            clients = await clients_of(stack, running)
            database = await stack.enter_async_context(connected(process.data_dir))
            left = [
                await _killed(process, clients, database, f"real-{n}", forgets=False)
                for n in range(KILLS)
            ]
            forgotten = await _killed(process, clients, database, "control", forgets=True)
    report(
        Attack(
            f"kill -9 amid a fold of {EVENTS:,} events",
            real=Score(KILLS, sum(map(bool, left))),
            control=Score(1, int(forgotten > 0)),
        )
    )
    assert not any(left)
    assert forgotten


async def _killed(
    process: AuthorityProcess, clients: Clients, database: Connection, name: str, *, forgets: bool
) -> int:
    """Kill the authority half way through an opt-out; return how many rows stay."""
    mailing = await _sent(clients, name)
    look = _Look(database, await tenant_number(database, clients.tenant_id))
    contact = await contact_number(database, look.tenant, name)
    opting_out = asyncio.create_task(
        clients.sender.preferences.set_preference(name, DoNotTrack.TRUE, timeout=60)
    )
    await eventually(partial(look.has_begun, contact), "the fold begins", pause=0)
    await clients.sender.preferences.set_preference(f"{name}-beside", DoNotTrack.TRUE)
    await mailing.click(f"{name}-clicks")
    assert await look.rows(contact), "others are answered before it is done"
    assert not opting_out.done()
    process.kill()
    with pytest.raises(HushpostError):
        await opting_out
    half = await look.rows(contact)
    assert 0 < half < EVENTS, "the kill came in the midst of it"
    if forgets:
        await database.execute("delete from anonymization_jobs where tenant = $1", look.tenant)
    await started(process, clients)
    if forgets:
        return await look.rows(contact)

    async def is_folded() -> bool:
        return await look.rows(contact) == 0

    await eventually(is_folded, "the fold is finished at the next start")
    stats = await mailing.stats()
    assert stats.opens.human.anonymous == Count(EVENTS, 1)
    assert stats.clicks.human.identified == Count(1, 1)
    return await look.rows(contact)


class _Look:
    """A look behind the authority."""

    def __init__(self, database: Connection, tenant: int) -> None:
        self.database = database
        self.tenant = tenant

    async def rows(self, contact: int) -> int:
        """Return how many rows name a contact."""
        count: int = await self.database.fetchval(
            "select count(*) from events where tenant = $1 and contact = $2"
            " and contact >> 2 = $2::bigint >> 2",
            self.tenant,
            contact,
        )
        return count

    async def has_begun(self, contact: int) -> bool:
        """Tell whether rows that name a contact have been folded."""
        return await self.rows(contact) < EVENTS


async def _sent(clients: Clients, name: str) -> Mailing:
    """Send a campaign to a contact that opens it very often, and to others."""
    others = [f"{name}-beside", f"{name}-clicks"]
    await clients.sender.preferences.batch_set_preferences(
        [PreferenceEntry(each, DoNotTrack.FALSE) for each in (name, *others)]
    )
    mailing = await send(clients, [name, *others], name)
    event = Event(mailing.tokens[name], verdict=Verdict.HUMAN)
    for _ in range(EVENTS // _BATCH):
        await clients.edge.tracking.record_events([event] * _BATCH, timeout=60)
    return mailing
