"""`record_last_opens`: the date of the last open of contacts that have not decided."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, date, datetime, timedelta

import pytest

from hushpost_client import (
    Consent,
    ConsentModes,
    Count,
    DoNotTrack,
    ErrorReason,
    Event,
    HushpostError,
    Mode,
    PolicyUpdate,
    Release,
    Verdict,
)
from tests.conftest import Clients, RunningAuthority
from tests.inspection import Connection, tenant_number
from tests.mailing import Mailing, clients_of, eventually, exact_count, send

TODAY = datetime.now(UTC)
YESTERDAY = TODAY - timedelta(days=1)
TOMORROW = TODAY + timedelta(days=1)

POLICY = PolicyUpdate(
    release=Release.EXACT,
    record_last_opens=True,
    opens_modes=ConsentModes(when_unknown=Mode.AGGREGATE),
    clicks_modes=ConsentModes(when_unknown=Mode.ANONYMOUS),
)


@pytest.fixture
async def clients(authority: RunningAuthority) -> AsyncIterator[Clients]:
    """Clients of a tenant that records last opens."""
    async with AsyncExitStack() as stack:
        yield await clients_of(stack, authority, POLICY)


async def test_an_open_sets_the_date_and_nothing_else(
    clients: Clients, database: Connection
) -> None:
    """The message counts as OFF, and its opens leave no count, no slot and no row."""
    mailing = await send(clients, ["ann", "bob"])
    assert await dates(database, clients) == {"ann": None, "bob": None}
    await mailing.open("ann", "ann")
    assert await dates(database, clients) == {"ann": TODAY.date(), "bob": None}
    stats = await mailing.stats()
    assert (stats.sent.off, stats.clicks_sent.anonymous) == (2, 2)
    assert stats.opens.human.identified == Count(0, 0)
    assert exact_count(stats.opens.human.anonymous) == Count(0, 0)
    assert exact_count(stats.opens.human.aggregate) == Count(0, 0)
    assert await tables_with_rows(database, clients, "events", "counters", "slot_bits") == []


async def test_clicks_of_the_same_message_count_as_usual(
    clients: Clients, database: Connection
) -> None:
    """The consent to clicks is separate: here, clicks are ANONYMOUS and set no date."""
    mailing = await send(clients, ["ann"])
    await mailing.click("ann")
    assert exact_count((await mailing.stats()).clicks.human.anonymous) == Count(1, 1)
    assert await dates(database, clients) == {"ann": None}


async def test_the_token_is_not_for_clicks(clients: Clients, database: Connection) -> None:
    """A click on the token of the pixel is redirected, and neither counts nor sets a date."""
    mailing = await send(clients, ["ann"])
    url = await clients.edge.tracking.record_click(mailing.tokens["ann"], 1)
    assert url == "https://shop.example.com/sale"
    assert await dates(database, clients) == {"ann": None}
    assert await tables_with_rows(database, clients, "events", "counters", "slot_bits") == []


async def test_the_date_only_moves_forward(clients: Clients, database: Connection) -> None:
    """Events that arrive late do not replace a later date."""
    mailing = await send(clients, ["ann"])
    days = [TODAY - timedelta(days=ago) for ago in (3, 1, 2)]
    for time in days:
        event = Event(mailing.tokens["ann"], event_time=time, verdict=Verdict.HUMAN)
        await clients.edge.tracking.record_events([event])
    assert await dates(database, clients) == {"ann": YESTERDAY.date()}


async def test_inactive_contacts_are_listed(clients: Clients) -> None:
    """Contacts are inactive if neither their first message nor an open is recent."""
    preferences = clients.sender.preferences
    mailing = await send(clients, ["ann", "bob"])
    assert await inactive(clients, TODAY) == set(), "the first message is of today"
    assert await inactive(clients, TOMORROW) == {"ann", "bob"}
    await mailing.open("bob")
    assert await inactive(clients, TODAY) == set()
    await preferences.set_preference("ann", opens_consent=Consent.GRANTED)
    assert await inactive(clients, TOMORROW) == {"bob"}, "who has decided is not listed"


async def test_inactive_contacts_come_in_pages(clients: Clients, database: Connection) -> None:
    """Pages of any size contain each contact once, and skip active ones."""
    names = [f"reader-{number}" for number in range(25)]
    mailing = await send(clients, names)
    await database.execute(
        "update last_opens set first_message_date = first_message_date - 1 where tenant = $1",
        await number(database, clients),
    )
    await mailing.open(*names[:5])
    for size in (1, 7, 1000):
        listed = clients.sender.preferences.list_inactive_contacts(TODAY, page_size=size)
        assert sorted([name async for name in listed]) == sorted(names[5:])


@pytest.mark.parametrize("choice", [Consent.GRANTED, Consent.DENIED])
async def test_a_decision_deletes_the_date(
    clients: Clients, database: Connection, choice: Consent
) -> None:
    """Any decision about opens ends it; old mail sets no date, even if the decision is undone."""
    preferences = clients.sender.preferences
    mailing = await send(clients, ["ann", "bob"])
    await mailing.open("ann", "bob")
    await preferences.set_preference("ann", opens_consent=choice)
    assert set(await dates(database, clients)) == {"bob"}
    await mailing.open("ann")
    await preferences.set_preference("ann", DoNotTrack.UNSET)
    await mailing.open("ann")
    assert set(await dates(database, clients)) == {"bob"}


async def test_a_decision_about_clicks_keeps_the_date(
    clients: Clients, database: Connection
) -> None:
    """The date is about opens."""
    mailing = await send(clients, ["ann"])
    await mailing.open("ann")
    await clients.sender.preferences.set_preference("ann", clicks_consent=Consent.DENIED)
    assert set(await dates(database, clients)) == {"ann"}


async def test_an_erasure_deletes_the_date(clients: Clients, database: Connection) -> None:
    """No row remains of an erased contact, and its old mail writes none."""
    mailing = await send(clients, ["ann"])
    await mailing.open("ann")
    await clients.sender.preferences.erase_contact("ann")
    await mailing.open("ann")
    assert await tables_with_rows(database, clients, "last_opens", "slot_bits", "counters") == []


async def test_switching_it_off_deletes_all_dates(clients: Clients, database: Connection) -> None:
    """Afterwards no open sets a date, and no list can be read."""
    mailing = await send(clients, ["ann", "bob"])
    await mailing.open("ann")
    await clients.admin.admin.update_policy(PolicyUpdate(record_last_opens=False))
    assert await dates(database, clients) == {}
    await mailing.open("ann")
    assert await dates(database, clients) == {}
    with pytest.raises(HushpostError) as refused:
        await inactive(clients, TOMORROW)
    assert refused.value.reason is ErrorReason.LAST_OPENS_DISABLED


async def test_nothing_is_recorded_unless_the_policy_says_so(
    exact_clients: Clients, database: Connection
) -> None:
    """It is off by default."""
    mailing = await send(exact_clients, ["ann"])
    await mailing.open("ann")
    assert await dates(database, exact_clients) == {}


async def test_opens_in_flight_write_no_date_afterwards(
    clients: Clients, database: Connection
) -> None:
    """Under a load of opens, no date exists once a call that ends it has returned."""
    preferences, admin = clients.sender.preferences, clients.admin.admin
    names = {
        ending: [f"{ending} {number}" for number in range(5)]
        for ending in ("grants", "denies", "is erased", "stays")
    }
    mailing = await send(clients, [name for group in names.values() for name in group])
    async with opens_in_flight(mailing) as progress:
        await progress()
        for name in names["grants"]:
            await forget_dates(database, clients)
            await preferences.set_preference(name, DoNotTrack.FALSE)
        for name in names["denies"]:
            await forget_dates(database, clients)
            await preferences.set_preference(name, DoNotTrack.TRUE)
        for name in names["is erased"]:
            await forget_dates(database, clients)
            await preferences.erase_contact(name)
        await progress()
        rows = "select contact_id from last_opens left join contacts using (tenant, contact)"
        left = {
            name
            for (name,) in await database.fetch(
                f"{rows} where tenant = $1", await number(database, clients)
            )
        }
        assert left == set(names["stays"])
        await forget_dates(database, clients)
        await admin.update_policy(PolicyUpdate(record_last_opens=False))
        await progress()
    assert await tables_with_rows(database, clients, "last_opens") == []


@asynccontextmanager
async def opens_in_flight(mailing: Mailing) -> AsyncIterator[Callable[[], Awaitable[None]]]:
    """Open all messages again and again; the block can wait until each was opened once more."""
    rounds = 0
    is_over = False

    async def open_again(names: Sequence[str]) -> None:
        nonlocal rounds
        while not is_over:
            await mailing.open(*names)
            rounds += 1

    async def progress() -> None:
        enough = rounds + 2 * _LOOPS

        async def has_progressed() -> bool:
            return rounds >= enough

        await eventually(has_progressed, "messages are opened", pause=0.01)

    names = list(mailing.tokens)
    async with asyncio.TaskGroup() as group:
        for _ in range(_LOOPS):
            random.shuffle(names)
            group.create_task(open_again(list(names)))
        try:
            yield progress
        finally:
            is_over = True


_LOOPS = 4


async def inactive(clients: Clients, before: datetime) -> set[str]:
    """Return the inactive contacts."""
    listed = clients.sender.preferences.list_inactive_contacts(before)
    return {name async for name in listed}


async def dates(database: Connection, clients: Clients) -> dict[str, date | None]:
    """Return the dates of last opens by contact."""
    rows = await database.fetch(
        "select contact_id, last_open_date from last_opens join contacts using (tenant, contact)"
        " where tenant = $1",
        await number(database, clients),
    )
    return dict(map(tuple, rows))


async def forget_dates(database: Connection, clients: Clients) -> None:
    """Reset all dates, so that each next open writes one."""
    await database.execute(
        "update last_opens set last_open_date = null where tenant = $1",
        await number(database, clients),
    )


async def tables_with_rows(database: Connection, clients: Clients, *tables: str) -> list[str]:
    """Return those of the tables that have rows of the tenant."""
    tenant = await number(database, clients)
    return [
        table
        for table in tables
        if await database.fetchval(f"select true from {table} where tenant = $1 limit 1", tenant)  # noqa: S608 - names of ours
    ]


async def number(database: Connection, clients: Clients) -> int:
    """Return the number of the tenant."""
    return await tenant_number(database, clients.tenant_id)
