"""Alerts about the authority fire while it has the fault, and not before.

The rules are evaluated against metrics that are scraped from the processes.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import ExitStack, asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from hushpost_client import HushpostError, InternalError, Role, UnavailableError, Verdict
from tests.authority import AuthorityProcess
from tests.clocks import WallClock
from tests.conftest import RunningAuthority
from tests.deploy.conftest import CALLS, Installation
from tests.deploy.monitor import AUTHORITY, Monitor
from tests.free_port import free_port
from tests.inspection import connected, database_uri, tenant_number

INSERT_JOB = """
insert into anonymization_jobs (tenant, contact, history, start_time, total_events, anonymized_events)
values ($1, 1, 1, clock_timestamp() - interval '1 hour', 0, 0)
"""

EVENTS_PARTITIONS = """
select inhrelid::regclass::text
from pg_inherits
where inhparent = 'events'::regclass
order by 1 desc
"""


@asynccontextmanager
async def _locked(
    installation: Installation, table: str, calls: Sequence[Awaitable[Any]]
) -> AsyncIterator[None]:
    """Make calls that wait for a table until the block ends."""
    async with connected(installation.data_dir) as database, database.transaction():
        await database.execute(f"lock table {table} in access exclusive mode")
        running = [asyncio.ensure_future(call) for call in calls]
        yield
    await asyncio.gather(*running, return_exceptions=True)


async def test_slow_commits_and_overload(installation: Installation) -> None:
    """While commits wait for a lock, calls over the limit are rejected."""
    monitor, tokens = installation.monitor(), installation.mailing.tokens.values()
    assert len(tokens) > CALLS
    await monitor.is_silent()
    tracking = installation.clients.edge.tracking
    opens = [tracking.record_open(token, verdict=Verdict.HUMAN) for token in tokens]
    async with _locked(installation, "counters", opens):
        await monitor.fires("HushpostOverloaded")
        async with connected(installation.data_dir) as database:
            await database.execute("select pg_sleep(1.2)")
    await monitor.fires("HushpostSlowCommits")


async def test_calls_that_wait_for_a_connection(installation: Installation) -> None:
    """More calls than connections wait for a lock."""
    monitor = installation.monitor()
    await monitor.is_silent()
    admin = installation.clients.installation.admin
    calls = [admin.get_tenant(installation.keys.tenant_id) for _ in range(CALLS)]
    async with _locked(installation, "tenants", calls):
        await monitor.fires("HushpostConnectionsExhausted")


async def test_a_key_that_has_ended(installation: Installation) -> None:
    """A client still uses a key that was revoked."""
    monitor = installation.monitor()
    await monitor.is_silent()
    admin = installation.clients.installation.admin
    key = await admin.create_api_key(Role.REPORTER, tenant_id=installation.keys.tenant_id)
    assert key.secret is not None
    await admin.revoke_api_key(key.api_key.key_id)
    async with installation.authority.client(key.secret) as client:
        with pytest.raises(HushpostError, match="revoked"):
            await client.stats.get_campaign_stats(installation.mailing.campaign_id)
    await monitor.fires("HushpostKeyRejected")


async def test_work_that_is_late(installation: Installation) -> None:
    """A release fails, an anonymization job does not end, and partitions are missing."""
    monitor = installation.monitor()
    await monitor.is_silent()
    async with connected(installation.data_dir) as database:
        tenant = await tenant_number(database, installation.keys.tenant_id)
        await database.execute("alter table releases rename to renamed")
        await database.execute(
            "create rule kept as on delete to anonymization_jobs do instead nothing"
        )
        await database.execute("update campaigns set next_release_time = now() - interval '1 h'")
        await database.execute(INSERT_JOB, tenant)
        (last,), (before_last,), *_ = await database.fetch(EVENTS_PARTITIONS)
        await database.execute(f"drop table {last}, {before_last}")
    await monitor.fires(
        "HushpostReleaseLate", "HushpostAnonymizationLate", "HushpostPartitionsMissing"
    )
    with pytest.raises(InternalError):
        await installation.mailing.stats()
    await monitor.fires("HushpostInternalErrors")


async def test_a_lost_database_a_wrong_clock_and_the_end(tmp_path: Path) -> None:
    """Of an authority with an external database, and a clock that is an hour ahead."""
    address, clock = f"127.0.0.1:{free_port()}", WallClock(tmp_path / "clock")
    monitor = Monitor({AUTHORITY: address})
    with AuthorityProcess(tmp_path / "first") as first, ExitStack() as stack:
        admin_key = first.admin_key()
        second = stack.enter_context(
            AuthorityProcess(
                tmp_path / "second",
                *("--keyring", str(first.data_dir / "keyring.json")),
                *("--metrics-listen", address),
                environment={
                    "HUSHPOST_DATABASE_URL": database_uri(first.data_dir),
                    **clock.environment,
                },
            )
        )
        await monitor.is_silent()
        clock.set(timedelta(hours=1))
        await monitor.fires("HushpostClockWrong")
        first.kill()  # it would start the database again
        first.end_postgres()
        await monitor.fires("HushpostNotReady")
        authority = RunningAuthority(second, second.target, admin_key)
        async with authority.client(admin_key) as client:
            with pytest.raises(UnavailableError):
                await client.admin.get_tenant("acme", timeout=5)
        await monitor.fires("HushpostDatabaseErrors")
        second.kill()
        await monitor.fires("HushpostDown")
