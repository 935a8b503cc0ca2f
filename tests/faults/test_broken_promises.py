"""Anonymization jobs whose caller leaves, whose policy changes, or whose database crashes."""

import asyncio
import signal
import uuid
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path

import pytest

from hushpost_client import (
    DeadlineExceededError,
    DoNotTrack,
    Mode,
    PolicyUpdate,
    UnavailableError,
)
from tests.authority import AuthorityProcess
from tests.conftest import Clients, RunningAuthority
from tests.faults.holding import counters_held, someone_waits
from tests.inspection import Connection, connected, events_of, tenant_number
from tests.mailing import clients_of, eventually, exact_count, send


@pytest.fixture
async def exact(authority: RunningAuthority) -> AsyncIterator[Clients]:
    """Clients of a tenant with exact counts."""
    async with AsyncExitStack() as stack:
        yield await clients_of(stack, authority)


async def test_an_opt_out_of_a_cancelled_caller_is_finished(
    exact: Clients, database: Connection
) -> None:
    """A committed opt-out is anonymized even after its caller has gone."""
    mailing = await send(exact, ["ann"])
    await mailing.open("ann")
    tenant = await tenant_number(database, exact.tenant_id)
    async with counters_held(database, mailing):
        with pytest.raises(DeadlineExceededError):
            await exact.sender.preferences.set_preference("ann", DoNotTrack.TRUE, timeout=2)
    stands = await exact.sender.preferences.get_preference("ann")
    assert stands.do_not_track is DoNotTrack.TRUE

    async def is_anonymized() -> bool:
        return await events_of(database, tenant, "ann") == 0

    await eventually(is_anonymized, "no row names ann", seconds=20)


async def test_an_opt_out_waits_for_a_running_policy_job(
    exact: Clients, database: Connection
) -> None:
    """An opt-out returns only when no row names the contact, even if a policy job anonymizes it."""
    held = await send(exact, ["ann"], "held")
    mailing = await send(exact, ["bob"])
    await held.open("ann")
    await mailing.open("bob")
    tenant = await tenant_number(database, exact.tenant_id)
    async with counters_held(database, held):
        await exact.admin.admin.update_policy(PolicyUpdate(mode_when_unset=Mode.ANONYMOUS))
        opting_out = asyncio.create_task(
            exact.sender.preferences.set_preference("bob", DoNotTrack.TRUE)
        )
        await asyncio.wait([opting_out], timeout=2)
        if opting_out.done():
            assert await events_of(database, tenant, "bob") == 0
    await opting_out
    assert await events_of(database, tenant, "bob") == 0


async def test_a_briefly_stricter_policy_still_anonymizes(
    authority: RunningAuthority, exact: Clients, database: Connection
) -> None:
    """No row names a slot with anonymous events, however briefly the stricter policy applied."""
    busy = await send(exact, ["ann"])
    await busy.open("ann")
    async with AsyncExitStack() as stack:
        other = await clients_of(stack, authority)
        mailing = await send(other, ["bob"])
        await mailing.open("bob")
        tenant = await tenant_number(database, other.tenant_id)
        async with counters_held(database, busy):
            await exact.admin.admin.update_policy(PolicyUpdate(mode_when_unset=Mode.ANONYMOUS))
            await other.admin.admin.update_policy(PolicyUpdate(mode_when_unset=Mode.ANONYMOUS))
            await mailing.open("bob")
            await other.admin.admin.update_policy(PolicyUpdate(mode_when_unset=Mode.IDENTIFIED))

        async def is_done() -> bool:
            return (await other.admin.admin.get_tenant()).anonymization is None

        await eventually(is_done, "the policy's job ends")
        assert await events_of(database, tenant, "bob") == 0
        opens = (await mailing.stats()).opens.human
        assert (
            opens.identified.total,
            exact_count(opens.anonymous).total,
            exact_count(opens.anonymous).unique,
        ) == (0, 2, 1)


async def test_consent_during_a_policy_job_keeps_no_earlier_event_identified(
    exact: Clients, database: Connection
) -> None:
    """No row names a contact that consents after a stricter policy, but before its job is done."""
    mailings = {name: await send(exact, ["ann", "bob"], name) for name in ("first", "second")}
    tenant = await tenant_number(database, exact.tenant_id)
    rows = await database.fetch(
        "select campaign_id from campaigns where tenant = $1 order by campaign", tenant
    )
    held, mailing = (mailings[name] for (name,) in rows)  # the job takes them in this order
    await held.open("bob")
    await mailing.open("ann")
    async with counters_held(database, held):
        await exact.admin.admin.update_policy(PolicyUpdate(mode_when_unset=Mode.ANONYMOUS))
        await eventually(partial(someone_waits, database), "the job waits")
        await exact.sender.preferences.set_preference("ann", DoNotTrack.FALSE)

    async def is_done() -> bool:
        return (await exact.admin.admin.get_tenant()).anonymization is None

    await eventually(is_done, "the policy's job ends")
    assert await events_of(database, tenant, "ann") == 0
    opens = (await mailing.stats()).opens.human
    assert (opens.identified.total, exact_count(opens.anonymous).total) == (0, 1)


async def test_a_repeated_erasure_spares_a_contact_that_came_back(exact: Clients) -> None:
    """A repeated erasure does not erase a contact that signed up again in between."""
    request_id = uuid.uuid4()
    preferences = exact.sender.preferences
    await preferences.set_preference("ann", DoNotTrack.TRUE)
    await preferences.erase_contact("ann", request_id=request_id)
    await preferences.set_preference("ann", DoNotTrack.TRUE, evidence="form 8")
    await preferences.erase_contact("ann", request_id=request_id)
    assert (await preferences.get_preference("ann")).do_not_track is DoNotTrack.TRUE
    assert [c.evidence async for c in preferences.list_preference_changes("ann")] == ["form 8"]


async def test_a_policy_job_survives_a_database_crash(tmp_path: Path) -> None:
    """The anonymization job of a stricter policy continues after the database has crashed."""
    with AuthorityProcess(tmp_path) as process:
        running = RunningAuthority.of(process)
        async with AsyncExitStack() as stack:
            clients = await clients_of(stack, running)
            mailing = await send(clients, ["ann"])
            await mailing.open("ann")
            async with (
                connected(process.data_dir) as connection,
                counters_held(connection, mailing),
            ):
                await clients.admin.admin.update_policy(
                    PolicyUpdate(mode_when_unset=Mode.ANONYMOUS)
                )
                await eventually(partial(someone_waits, connection), "the job waits for the lock")
                process.end_postgres(signal.SIGKILL)
                connection.terminate()

            async def is_done() -> bool:
                try:
                    tenant = await clients.admin.admin.get_tenant(timeout=30)
                except UnavailableError:
                    return False
                return tenant.anonymization is None

            await eventually(is_done, "the policy's job ends")
            opens = (await mailing.stats()).opens.human
            assert (opens.identified.total, exact_count(opens.anonymous).total) == (0, 1)
