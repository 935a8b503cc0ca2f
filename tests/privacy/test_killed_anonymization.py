"""A long anonymization survives a crash of the authority and does not block other calls."""

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
from tests.mailing import Mailing, clients_of, eventually, exact_count, send
from tests.privacy.attack import FULL, Attack, Score

EVENTS = 100_000 if FULL else 40_000
KILLS = 2 if FULL else 1
_BATCH = 10_000

Report = Callable[[Attack], None]


@pytest.mark.timeout(300)
async def test_interrupted_anonymization_resumes_and_does_not_block_others(
    tmp_path: Path, report: Report
) -> None:
    """After kill -9 during an anonymization, the next start completes it.

    Other calls succeed while it runs. The control deletes the job before the restart.
    """
    with AuthorityProcess(tmp_path) as process:
        running = PatientAuthority(process, process.target, process.admin_key(), IMPATIENT)
        async with AsyncExitStack() as stack:
            clients = await clients_of(stack, running)
            database = await stack.enter_async_context(connected(process.data_dir))
            left = [
                await _kill_during_opt_out(
                    process, clients, database, f"real-{n}", delete_job=False
                )
                for n in range(KILLS)
            ]
            left_without_job = await _kill_during_opt_out(
                process, clients, database, "control", delete_job=True
            )
    report(
        Attack(
            f"kill -9 amid anonymizing {EVENTS:,} events",
            real=Score(KILLS, sum(map(bool, left))),
            control=Score(1, int(left_without_job > 0)),
        )
    )
    assert not any(left)
    assert left_without_job


async def _kill_during_opt_out(
    process: AuthorityProcess,
    clients: Clients,
    database: Connection,
    name: str,
    *,
    delete_job: bool,
) -> int:
    """Kill the authority during an opt-out; return how many rows still name the contact."""
    mailing = await _send_and_open(clients, name)
    rows = _EventRows(database, await tenant_number(database, clients.tenant_id))
    contact = await contact_number(database, rows.tenant, name)
    opting_out = asyncio.create_task(
        clients.sender.preferences.set_preference(name, DoNotTrack.TRUE, timeout=60)
    )
    await eventually(partial(rows.has_begun, contact), "the anonymization begins", pause=0)
    await clients.sender.preferences.set_preference(f"{name}-preference", DoNotTrack.TRUE)
    await mailing.click(f"{name}-clicks")
    assert await rows.count(contact), "others are served before it is done"
    assert not opting_out.done()
    process.kill()
    with pytest.raises(HushpostError):
        await opting_out
    half = await rows.count(contact)
    assert 0 < half < EVENTS, "the authority is killed during the anonymization"
    if delete_job:
        await database.execute("delete from anonymization_jobs where tenant = $1", rows.tenant)
    await started(process, clients)
    if delete_job:
        return await rows.count(contact)

    async def is_anonymized() -> bool:
        return await rows.count(contact) == 0

    await eventually(is_anonymized, "the anonymization is finished after the next start")
    stats = await mailing.stats()
    assert exact_count(stats.opens.human.anonymous) == Count(EVENTS, 1)
    assert stats.clicks.human.identified == Count(1, 1)
    return await rows.count(contact)


class _EventRows:
    """Direct database access to a tenant's events."""

    def __init__(self, database: Connection, tenant: int) -> None:
        self.database = database
        self.tenant = tenant

    async def count(self, contact: int) -> int:
        """Return how many rows of `events` name the contact."""
        number: int = await self.database.fetchval(
            "select count(*) from events where tenant = $1 and contact = $2"
            " and contact >> 2 = $2::bigint >> 2",
            self.tenant,
            contact,
        )
        return number

    async def has_begun(self, contact: int) -> bool:
        """Return whether the anonymization has removed rows that name the contact."""
        return await self.count(contact) < EVENTS


async def _send_and_open(clients: Clients, name: str) -> Mailing:
    """Send a campaign to a contact with many opens, and to two others."""
    others = [f"{name}-preference", f"{name}-clicks"]
    await clients.sender.preferences.batch_set_preferences(
        [PreferenceEntry(contact, DoNotTrack.FALSE) for contact in (name, *others)]
    )
    mailing = await send(clients, [name, *others], name)
    event = Event(mailing.tokens[name], verdict=Verdict.HUMAN)
    for _ in range(EVENTS // _BATCH):
        await clients.edge.tracking.record_events([event] * _BATCH, timeout=60)
    return mailing
