"""Erasures concurrent with opt-outs, new sign-ups, long anonymization and crashes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path

import pytest

from hushpost_client import (
    Count,
    DeadlineExceededError,
    DoNotTrack,
    Proof,
)
from tests.authority import AuthorityProcess
from tests.conftest import Clients, RunningAuthority
from tests.faults.holding import counters_held, someone_waits
from tests.faults.load import PatientAuthority, started
from tests.inspection import Connection, connected, contact_number, tenant_number
from tests.mailing import clients_of, eventually, exact_count, send


@pytest.fixture
async def exact(authority: RunningAuthority) -> AsyncIterator[Clients]:
    """Clients of a tenant with exact counts."""
    async with AsyncExitStack() as stack:
        yield await clients_of(stack, authority)


async def rows_of(connection: Connection, tenant: int, contact: int) -> int:
    """Return the number of event rows with a contact number."""
    count: int = await connection.fetchval(
        "select count(*) from events where tenant = $1 and contact = $2", tenant, contact
    )
    return count


@pytest.mark.parametrize("proof", [Proof.DELETE, Proof.PSEUDONYMIZE])
async def test_erasing_again_changes_nothing(exact: Clients, proof: Proof) -> None:
    """Erasing a contact again, or an unknown contact, succeeds and changes no count."""
    mailing = await send(exact, ["ann", "bob"])
    await mailing.open("ann", "bob")
    preferences = exact.sender.preferences
    await preferences.set_preference("ann", DoNotTrack.TRUE)
    await preferences.set_preference("ann", DoNotTrack.FALSE)
    await preferences.erase_contact("ann", proof=proof)
    before = await mailing.stats()
    log = [change async for change in preferences.list_preference_changes()]
    for name in ("ann", "ann", "nobody"):
        await preferences.erase_contact(name, proof=proof)
    assert await mailing.stats() == before
    assert before.opens.human.identified == Count(1, 1)
    assert exact_count(before.opens.human.anonymous) == Count(1, 1)
    assert [change async for change in preferences.list_preference_changes()] == log
    assert len(log) == (2 if proof is Proof.PSEUDONYMIZE else 0)


async def test_a_contact_that_signs_up_again_is_a_new_contact(
    exact: Clients, database: Connection
) -> None:
    """A contact with the id of an erased one has a new number and no history."""
    old = await send(exact, ["ann"], "old")
    await old.open("ann")
    tenant = await tenant_number(database, exact.tenant_id)
    first = await contact_number(database, tenant, "ann")
    preferences = exact.sender.preferences
    await preferences.erase_contact("ann")
    await preferences.set_preference("ann", DoNotTrack.FALSE)
    second = await contact_number(database, tenant, "ann")
    assert second != first
    new = await send(exact, ["ann"], "new")
    await old.open("ann")
    await new.open("ann")
    assert await old.engaged() == set()
    assert await new.engaged() == {"ann"}
    assert exact_count((await old.stats()).opens.human.anonymous) == Count(2, 1)
    assert [await rows_of(database, tenant, number) for number in (first, second)] == [0, 1]


async def test_an_opt_out_concurrent_with_an_erasure_is_kept(
    exact: Clients, database: Connection
) -> None:
    """If a contact is erased during its opt-out, the opt-out applies to the new contact."""
    preferences = exact.sender.preferences
    await preferences.set_preference("ann", DoNotTrack.FALSE)
    tenant = await tenant_number(database, exact.tenant_id)
    first = await contact_number(database, tenant, "ann")
    async with database.transaction():
        await database.execute(
            "select 1 from contacts where tenant = $1 and contact = $2 for update", tenant, first
        )
        opting_out = asyncio.create_task(preferences.set_preference("ann", DoNotTrack.TRUE))
        await eventually(partial(someone_waits, database), "the opt-out waits")
        await database.execute(
            "delete from contacts where tenant = $1 and contact = $2", tenant, first
        )
    assert (await opting_out).do_not_track is DoNotTrack.TRUE
    assert (await preferences.get_preference("ann")).do_not_track is DoNotTrack.TRUE
    assert await contact_number(database, tenant, "ann") != first


async def test_an_erasure_does_not_wait_for_other_contacts(
    exact: Clients, database: Connection
) -> None:
    """While one contact's anonymization is blocked, other contacts can be erased."""
    mailing = await send(exact, ["ann", "bob"])
    other = await send(exact, ["cid"], "other")
    await mailing.open("ann")
    await other.open("cid")
    preferences = exact.sender.preferences
    async with counters_held(database, mailing):
        opting_out = asyncio.create_task(preferences.set_preference("ann", DoNotTrack.TRUE))
        for name in ("bob", "nobody"):
            await preferences.erase_contact(name)
        assert not opting_out.done()
    await opting_out


async def test_an_interrupted_erasure_is_finished_after_a_restart(tmp_path: Path) -> None:
    """An erasure interrupted by kill -9 after its commit is anonymized after the next start."""
    with AuthorityProcess(tmp_path) as process:
        running = PatientAuthority(process, process.target, process.admin_key())
        async with AsyncExitStack() as stack:
            clients = await clients_of(stack, running)
            mailing = await send(clients, ["ann", "bob"])
            await mailing.open("ann", "bob")
            connection = await stack.enter_async_context(connected(process.data_dir))
            tenant = await tenant_number(connection, clients.tenant_id)
            numbers = [await contact_number(connection, tenant, name) for name in ("ann", "bob")]
            preferences = clients.sender.preferences
            async with counters_held(connection, mailing):
                for name in ("ann", "bob"):
                    with pytest.raises(DeadlineExceededError):
                        await preferences.erase_contact(name, timeout=2)
                process.kill()
            assert [await rows_of(connection, tenant, number) for number in numbers] == [1, 1]
            await started(process, clients)
            await preferences.erase_contact("ann")
            assert await rows_of(connection, tenant, numbers[0]) == 0

            async def are_anonymized() -> bool:
                return not any([await rows_of(connection, tenant, number) for number in numbers])

            await eventually(are_anonymized, "no row names who was erased")
            assert exact_count((await mailing.stats()).opens.human.anonymous) == Count(2, 2)
            assert await mailing.engaged() == set()
