"""A worker that fails stops the calls of its tenants only, and they lose nothing.

`make test-citus` runs this file apart from the others, which need all workers.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace

import pytest

from hushpost_client import (
    Count,
    DoNotTrack,
    ErrorReason,
    Event,
    PolicyUpdate,
    Release,
    UnavailableError,
)
from tests.authority import AuthorityProcess
from tests.citus.shards import worker_of
from tests.citus.stopped_server import LocalServer, local_server
from tests.citus_database import worker_addresses
from tests.conftest import Clients, TenantKeys, make_tenant
from tests.faults.load import IMPATIENT, PatientAuthority, prepared, started, under_load
from tests.inspection import connected, database_uri, tenant_number
from tests.mailing import GROUP, URLS, Mailing, clients_of, eventually, send

pytestmark = [
    pytest.mark.timeout(300),
    pytest.mark.skipif(
        "PYTEST_XDIST_WORKER" in os.environ,
        reason="stops a worker, which tests of other processes need",
    ),
]

PEOPLE = 6_000
TENANTS = 64
"""So many that each worker has one of them."""


@dataclass(frozen=True)
class Town:
    """An authority, a worker, clients of a tenant on it and of one on another worker.

    Attributes:
        process: The authority.
        worker: The worker.
        affected: Clients of the tenant on it, which retry.
        impatient: Clients of the same tenant, which do not.
        others: Clients of the other tenant, which do not retry, either.
    """

    process: AuthorityProcess
    worker: LocalServer
    affected: Clients
    impatient: Clients
    others: Clients


@pytest.fixture
async def town(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Town]:
    """Tenants on different workers."""
    async with AsyncExitStack() as stack:
        process = stack.enter_context(AuthorityProcess(tmp_path_factory.mktemp("stopped")))
        patient = PatientAuthority(process, process.target, process.admin_key())
        impatient = replace(patient, retry=IMPATIENT)
        by_worker: dict[str, TenantKeys] = {}
        async with connected(process.data_dir) as database:
            for _ in range(TENANTS):
                keys = await make_tenant(patient, PolicyUpdate(release=Release.EXACT))
                number = await tenant_number(database, keys.tenant_id)
                by_worker.setdefault(await worker_of(database, number), keys)
                if len(by_worker) > 1:
                    break
        worker, other_worker = by_worker
        addresses = await worker_addresses(database_uri(process.data_dir))
        (address,) = [address for address in addresses if f"@{worker}/" in address]
        yield Town(
            process,
            await local_server(address),
            await clients_of(stack, patient, keys=by_worker[worker]),
            await clients_of(stack, impatient, keys=by_worker[worker]),
            await clients_of(stack, impatient, keys=by_worker[other_worker]),
        )


async def test_a_stopped_worker_stops_the_calls_of_its_tenants_only(town: Town) -> None:
    """They fail with UNAVAILABLE; with retries no event is lost, and none is counted twice."""
    mailing = await send(town.impatient, ["ann"], "calls")
    affected = await prepared(town.affected, "affected", PEOPLE)
    others = await prepared(town.others, "others", PEOPLE)
    async with under_load(affected, after=PEOPLE // 10):
        recording = asyncio.create_task(others.record_all())
        await others.has_acknowledged(PEOPLE // 10)
        async with town.worker.stopped():
            assert not recording.done(), "the load ended too early: increase it"
            for name, call in _calls(mailing).items():
                with pytest.raises(UnavailableError) as caught:
                    await call()
                assert caught.value.reason is ErrorReason.DATABASE_UNAVAILABLE, name
            await recording
            assert len(affected.acknowledged) < PEOPLE, "control: some events wait"
    # Patient clients repeat calls that were UNAVAILABLE, and no others.
    await affected.assert_counted_once()
    await others.assert_counted_once()


def _calls(mailing: Mailing) -> dict[str, Callable[[], Awaitable[object]]]:
    """Return calls that read or write rows of a tenant."""
    clients, token = mailing.clients, mailing.tokens["ann"]
    tracking, preferences = clients.edge.tracking, clients.sender.preferences
    campaigns = clients.sender.campaigns
    return {
        "RecordOpen": lambda: tracking.record_open(token),
        "RecordClick": lambda: tracking.record_click(token, 1),
        "RecordEvents": lambda: tracking.record_events([Event(token)]),
        "SetPreference": lambda: preferences.set_preference("ann", DoNotTrack.TRUE),
        "GetPreference": lambda: preferences.get_preference("ann"),
        "EraseContact": lambda: preferences.erase_contact("ann"),
        "CreateCampaign": lambda: campaigns.create_campaign("new", links=URLS, groups=[GROUP]),
        "IssueTokens": lambda: campaigns.issue_tokens(mailing.campaign_id, GROUP, ["bob"]),
        "GetCampaignStats": mailing.stats,
    }


async def test_an_authority_starts_while_a_worker_is_stopped(town: Town) -> None:
    """Otherwise a restart at that time would stop the tenants of all workers."""
    mailing = await send(town.affected, ["ann"])
    other = await send(town.others, ["bob"])
    async with town.worker.stopped():
        assert await asyncio.to_thread(town.process.stop) == 0
        await started(town.process, town.others)
        await other.open("bob")

        async def is_refused() -> bool:
            with pytest.raises(UnavailableError) as caught:
                await replace(mailing, clients=town.impatient).open("ann")
            return caught.value.reason is ErrorReason.DATABASE_UNAVAILABLE

        # Before, the client may not have reconnected yet.
        await eventually(is_refused, "the authority refuses a call")
    await mailing.open("ann")
    for each in (mailing, other):
        assert (await each.stats()).opens.human.identified == Count(1, 1)
