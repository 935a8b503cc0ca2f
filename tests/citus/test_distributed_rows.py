"""`hushpost distribute` keeps what an authority has stored on a single server."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

from hushpost_client import DoNotTrack, PageBranding, PolicyUpdate
from hushpost_service.storage.database_kind import DatabaseKind, database_kind
from tests.authority import AuthorityProcess
from tests.citus.commands import distribute
from tests.conftest import RunningAuthority
from tests.inspection import Connection, contents, on, tenant_number
from tests.mailing import clients_of, exact_count, send

READERS = [f"reader-{number}" for number in range(8)]
QUIET, OPTED_OUT = READERS[:2], READERS[2:4]

WAITING = """
insert into anonymization_jobs
    (tenant, contact, history, start_time, total_events, anonymized_events)
values ($1, 4711, 1, now(), 3, 1)
"""
"""A job that is left over, for a contact who has no events any more."""

PUBLISHED = """
insert into releases select tenant, campaign, 1, now() from campaigns where tenant = $1;
insert into released_counts select tenant, campaign, 1, 0, 0, false, 2, 7
from campaigns where tenant = $1;
insert into released_sent select tenant, campaign, 1, 0, 1, 2, 7, 1
from campaigns where tenant = $1;
insert into last_opens values ($1, 4711, current_date, current_date);
insert into campaign_messages select tenant, campaign, '<p>Hello' from campaigns where tenant = $1
on conflict do nothing
"""
"""A release of a campaign, and its message."""


async def fill(connection: Connection, tenant: int) -> None:
    """Insert rows into tables that calls leave empty in so short a time."""
    await connection.execute(WAITING, tenant)
    for statement in PUBLISHED.split(";"):
        await connection.execute(statement, tenant)


async def test_all_rows_survive(undistributed: str, tmp_path: Path) -> None:
    """Each table has the same rows before and after, and an authority goes on with them."""
    async with AsyncExitStack() as stack:
        process = stack.enter_context(
            AuthorityProcess(tmp_path, environment={"HUSHPOST_DATABASE_URL": undistributed})
        )
        authority = RunningAuthority.of(process)
        clients = await clients_of(stack, authority)
        await clients.admin.admin.update_policy(
            PolicyUpdate(branding=PageBranding(accent_color="#123456"))
        )
        for name in QUIET:
            await clients.sender.preferences.set_preference(name, DoNotTrack.TRUE)
        mailing = await send(clients, READERS)
        await mailing.open(*READERS)
        await mailing.click(*READERS)
        for name in OPTED_OUT:
            await clients.sender.preferences.set_preference(name, DoNotTrack.TRUE)
        process.stop()

        async with on(undistributed) as connection:
            tenant = await tenant_number(connection, clients.tenant_id)
            await fill(connection, tenant)
            before = await contents(connection, [tenant])
        assert await database_kind(undistributed) is DatabaseKind.SINGLE
        done = await asyncio.to_thread(distribute, undistributed)
        assert done.returncode == 0, done.stderr
        assert await database_kind(undistributed) is DatabaseKind.DISTRIBUTED
        async with on(undistributed) as connection:
            after = await contents(connection, [tenant])

        assert after == before
        assert {name for name, (rows, _) in before.items() if not rows} == {"tracking_domains"}
        process.start()
        await mailing.open(READERS[-1])
        opens = (await mailing.stats()).opens.human
        known = len(READERS) - len(QUIET) - len(OPTED_OUT)
        assert (opens.identified.total, opens.identified.unique) == (known + 1, known)
        anonymous = exact_count(opens.anonymous)
        assert anonymous.total == anonymous.unique == len(QUIET) + len(OPTED_OUT)
