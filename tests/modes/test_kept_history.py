"""`history: KEEP`: past events stay identified, on slots that no message has."""

from contextlib import AsyncExitStack

import pytest

from hushpost_client import (
    Consent,
    Count,
    DoNotTrack,
    Engagement,
    History,
    PolicyUpdate,
    Release,
)
from tests.conftest import Clients, RunningAuthority
from tests.inspection import Connection, events_of, tenant_number
from tests.mailing import clients_of, exact_count, send


async def test_kept_events_stay_identified_on_another_slot(
    exact_clients: Clients, database: Connection
) -> None:
    """Kept events count as identified, on a slot that later events of the message do not mark."""
    mailing = await send(exact_clients, ["ann"])
    await mailing.open("ann", "ann")
    tenant = await tenant_number(database, exact_clients.tenant_id)
    await exact_clients.sender.preferences.set_preference(
        "ann", DoNotTrack.TRUE, history=History.KEEP
    )
    kept_slots = await _slots_of_events(database, tenant)
    await mailing.open("ann")
    opens = (await mailing.stats()).opens.human
    assert (opens.identified, exact_count(opens.anonymous)) == (Count(2, 1), Count(1, 1))
    assert await events_of(database, tenant, "ann") == 2
    assert await mailing.engaged() == set()
    anonymous_slots = await _anonymous_slots(database, tenant)
    assert kept_slots
    assert anonymous_slots
    assert not kept_slots & anonymous_slots, "no row names a slot with anonymous bits"


async def test_the_policy_decides_about_history_by_default(
    authority: RunningAuthority, database: Connection
) -> None:
    """If the call does not set `history`, the policy decides whether to anonymize or to keep."""
    async with AsyncExitStack() as stack:
        policy = PolicyUpdate(release=Release.EXACT, history_when_true=History.KEEP)
        clients = await clients_of(stack, authority, policy)
        mailing = await send(clients, ["ann", "bob"])
        await mailing.open("ann", "bob")
        tenant = await tenant_number(database, clients.tenant_id)
        preferences = clients.sender.preferences
        await preferences.set_preference("ann", DoNotTrack.TRUE)
        await preferences.set_preference("bob", DoNotTrack.TRUE, history=History.ANONYMIZE)
        assert await events_of(database, tenant, "ann") == 1
        assert await events_of(database, tenant, "bob") == 0


@pytest.mark.parametrize("change", ["consent", "anonymization disabled"])
async def test_a_contact_with_kept_history_is_never_listed_as_engaged(
    exact_clients: Clients, change: str
) -> None:
    """Old messages stay ANONYMOUS, so neither consent nor the policy lists the contact again."""
    mailing = await send(exact_clients, ["ann"])
    await mailing.open("ann")
    preferences = exact_clients.sender.preferences
    await preferences.set_preference("ann", DoNotTrack.TRUE, history=History.KEEP)
    assert await mailing.engaged() == set()
    if change == "consent":
        await preferences.set_preference("ann", DoNotTrack.FALSE)
    else:
        await exact_clients.admin.admin.update_policy(PolicyUpdate(anonymization_enabled=False))
    assert await mailing.engaged() == set()


async def test_kept_events_of_one_purpose_are_not_listed(
    exact_clients: Clients, database: Connection
) -> None:
    """A contact that withdrew about clicks is listed by its opens alone, with their times."""
    mailing = await send(exact_clients, ["ann", "bob"])
    await mailing.click("ann", "bob")
    await mailing.open("ann", "bob")
    listing = exact_clients.reporter.stats.list_engaged_contacts
    before = {contact.contact_id: contact async for contact in listing(mailing.campaign_id)}
    await exact_clients.sender.preferences.set_preference(
        "ann", clicks_consent=Consent.WITHDRAWN, history=History.KEEP
    )
    tenant = await tenant_number(database, exact_clients.tenant_id)
    assert await events_of(database, tenant, "ann") == 2
    after = {contact.contact_id: contact async for contact in listing(mailing.campaign_id)}
    assert after["bob"] == before["bob"]
    assert (after["ann"].open_count, after["ann"].click_count) == (1, 0)
    assert after["ann"].first_event_time == before["ann"].last_event_time
    clicked = listing(mailing.campaign_id, engagement=Engagement.CLICKED)
    assert {contact.contact_id async for contact in clicked} == {"bob"}


async def _slots_of_events(database: Connection, tenant: int) -> set[int]:
    rows = await database.fetch("select slot from events where tenant = $1", tenant)
    return {slot for (slot,) in rows}


async def _anonymous_slots(database: Connection, tenant: int) -> set[int]:
    """Return the slots with anonymous bits."""
    rows = await database.fetch(
        "select chunk, bits from slot_bits where tenant = $1 and mode = 2", tenant
    )
    return {
        chunk * 4096 + place
        for chunk, bits in rows
        for place, bit in enumerate(bits.as_string().replace(" ", ""))
        if bit == "1"
    }
