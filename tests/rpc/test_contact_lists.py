"""Contacts and changes are listed by preference, in pages, and never by what contacts did."""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from hushpost.v1 import preference_pb2, privacy_pb2
from hushpost_client import (
    Consent,
    ConsentModes,
    DecisionDetails,
    DoNotTrack,
    Mode,
    PolicyUpdate,
    Preference,
    PreferenceEntry,
    PreferenceSource,
)
from hushpost_service.storage import scanned_page
from tests.conftest import Clients, RunningAuthority, make_tenant
from tests.inspection import Connection, tenant_number
from tests.mailing import clients_of, send
from tests.wire import Wire

UNKNOWN, GRANTED, DENIED, WITHDRAWN = Consent
DAY = timedelta(days=1)
EARLIEST, LATEST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
IMPORT = PreferenceSource.IMPORT

CONSENTS = {
    "a": (UNKNOWN, UNKNOWN),
    "b": (GRANTED, GRANTED),
    "c": (GRANTED, DENIED),
    "d": (UNKNOWN, WITHDRAWN),
    "e": (DENIED, UNKNOWN),
    "ä": (DENIED, WITHDRAWN),
}
"""The consents of contacts to opens and clicks, in the order of their ids as bytes."""


@pytest.fixture
async def listed(exact_clients: Clients) -> Clients:
    """Clients of a tenant that has the contacts `CONSENTS`."""
    entries = [
        PreferenceEntry(name, opens_consent=opens, clicks_consent=clicks)
        for name, (opens, clicks) in CONSENTS.items()
    ]
    await exact_clients.sender.preferences.batch_set_preferences(entries)
    return exact_clients


async def ids(clients: Clients, **filters: Any) -> list[str | None]:
    """Return the ids of the contacts that match filters."""
    found = clients.sender.preferences.list_contacts(**filters)
    return [contact.contact_id async for contact in found]


@pytest.mark.parametrize("page_size", [1, 2, 6, 7, 1000])
async def test_all_contacts_are_listed_in_order(listed: Clients, page_size: int) -> None:
    """Without a filter, all contacts are listed once, by id, with their preference."""
    found = [c async for c in listed.sender.preferences.list_contacts(page_size=page_size)]
    assert [contact.contact_id for contact in found] == list(CONSENTS)
    assert found == await listed.sender.preferences.batch_get_preferences(list(CONSENTS))
    assert {c.contact_id: (c.opens_consent, c.clicks_consent) for c in found} == CONSENTS


@pytest.mark.parametrize("page_size", [1, 2, 100])
@pytest.mark.parametrize(
    ("opens", "clicks"),
    [
        ([UNKNOWN], []),
        ([], [WITHDRAWN]),
        ([GRANTED, DENIED], []),
        ([DENIED, DENIED], [UNKNOWN, WITHDRAWN]),
        ([WITHDRAWN], []),
        (list(Consent), list(Consent)),
    ],
)
async def test_contacts_are_filtered_by_consent(
    listed: Clients, opens: Sequence[Consent], clicks: Sequence[Consent], page_size: int
) -> None:
    """Both filters apply; an empty one means any."""
    expected = [
        name
        for name, (to_opens, to_clicks) in CONSENTS.items()
        if (not opens or to_opens in opens) and (not clicks or to_clicks in clicks)
    ]
    found = await ids(listed, opens_consents=opens, clicks_consents=clicks, page_size=page_size)
    assert found == expected


async def test_contacts_are_filtered_by_their_last_change(listed: Clients) -> None:
    """`decided_before` and `never_decided` compare the last change of either purpose."""
    preferences = listed.sender.preferences
    changed = await preferences.set_preference("c", clicks_consent=GRANTED)
    assert changed.update_time
    assert await ids(listed, never_decided=True) == ["a"]
    assert await ids(listed, decided_before=changed.update_time) == ["b", "d", "e", "ä"]
    just_after = changed.update_time + timedelta(microseconds=1)
    assert await ids(listed, decided_before=just_after) == ["b", "c", "d", "e", "ä"]
    assert await ids(listed, decided_before=changed.update_time - DAY) == []
    assert await ids(listed, decided_before=just_after, never_decided=True) == []
    assert await ids(listed, decided_before=EARLIEST) == []
    assert await ids(listed, decided_before=LATEST) == ["b", "c", "d", "e", "ä"]


async def refuse(clients: Clients, name: str, days_ago: float, **options: Any) -> None:
    """Set DENIED for opens, decided some days ago."""
    details = DecisionDetails(decision_time=datetime.now(UTC) - days_ago * DAY)
    await clients.sender.preferences.set_preference(
        name, opens_consent=DENIED, details=details, **options
    )


async def test_who_may_be_asked(exact_clients: Clients) -> None:
    """Contacts without some consent, unless they refused in the last 180 days."""
    preferences = exact_clients.sender.preferences
    await preferences.batch_set_preferences([PreferenceEntry("never asked")])
    await preferences.set_preference("agreed to all", DoNotTrack.FALSE)
    await preferences.set_preference("agreed to clicks", clicks_consent=GRANTED)
    await preferences.set_preference("refused now", opens_consent=DENIED)
    await preferences.set_preference("withdrew now", DoNotTrack.FALSE)
    await preferences.set_preference("withdrew now", DoNotTrack.TRUE)
    await refuse(exact_clients, "refused long ago", 181)
    await refuse(exact_clients, "refused lately", 179)
    assert await ids(exact_clients, may_be_asked=True) == [
        "agreed to clicks",
        "never asked",
        "refused long ago",
    ]
    assert await ids(exact_clients, may_be_asked=True, opens_consents=[DENIED]) == [
        "refused long ago"
    ]
    await exact_clients.admin.admin.update_policy(PolicyUpdate(reask_after_days=178))
    assert await ids(exact_clients, may_be_asked=True, opens_consents=[DENIED]) == [
        "refused lately",
        "refused long ago",
    ]


async def test_a_refusal_cannot_be_reset_away(exact_clients: Clients) -> None:
    """Setting the consent to UNKNOWN does not make the recipient one who may be asked."""
    preferences = exact_clients.sender.preferences
    await refuse(exact_clients, "ann", 3)
    await preferences.set_preference("ann", DoNotTrack.UNSET)
    await refuse(exact_clients, "bob", 200)
    await preferences.set_preference("bob", DoNotTrack.UNSET)
    assert await ids(exact_clients, may_be_asked=True) == ["bob"]


async def test_a_confirmed_refusal_counts_again(exact_clients: Clients) -> None:
    """A recipient who confirms a refusal of long ago has refused now; other changes do not count."""
    preferences, campaigns = exact_clients.sender.preferences, exact_clients.sender.campaigns
    for name in ("ann", "bob"):
        await refuse(exact_clients, name, 200, source=IMPORT)
    assert await ids(exact_clients, may_be_asked=True) == ["ann", "bob"]
    await preferences.set_preference("bob", clicks_consent=GRANTED)
    await campaigns.create_campaign("spring", groups=["all"])
    issued = await campaigns.issue_tokens("spring", "all", ["ann"], include_preference_tokens=True)
    token = issued.tokens[0].preference_token
    assert token
    await exact_clients.edge.preferences.set_preference_by_token(token, opens_consent=DENIED)
    assert await ids(exact_clients, may_be_asked=True) == ["bob"]


async def test_nothing_depends_on_behaviour(exact_clients: Clients) -> None:
    """Opens and clicks in every mode change no list and no preference."""
    preferences = exact_clients.sender.preferences
    await exact_clients.admin.admin.update_policy(
        PolicyUpdate(
            record_last_opens=True,
            opens_modes=ConsentModes(
                when_unknown=Mode.ANONYMOUS, when_denied=Mode.ANONYMOUS, when_withdrawn=Mode.OFF
            ),
        )
    )
    names = ["identified", "anonymous", "partial", "undecided", "passive"]
    await preferences.set_preference("identified", DoNotTrack.FALSE)
    await preferences.set_preference("anonymous", DoNotTrack.TRUE)
    await preferences.set_preference("partial", clicks_consent=DENIED)
    mailing = await send(exact_clients, names)

    async def everything() -> list[Any]:
        time = datetime.now(UTC) + DAY
        lists: list[Any] = [
            [c async for c in preferences.list_contacts(**filters)]
            for filters in ({}, {"decided_before": time}, {"may_be_asked": True})
        ]
        changes = [change async for change in preferences.list_preference_changes()]
        return [*lists, await preferences.batch_get_preferences(names), changes]

    before = await everything()
    assert len(before[0]) == len(names)
    await mailing.open(*names[:-1])
    await mailing.click(*names[:-1])
    assert await everything() == before


async def test_many_preferences_are_read_in_order(listed: Clients) -> None:
    """Contacts can repeat, and unknown ones are UNKNOWN and are not created."""
    wanted = ["ä", "nobody", "b", "ä"]
    found: list[Preference] = await listed.sender.preferences.batch_get_preferences(wanted)
    assert [contact.contact_id for contact in found] == wanted
    assert found[0] == found[3]
    assert (found[1].opens_consent, found[1].update_time) == (UNKNOWN, None)
    assert await ids(listed) == list(CONSENTS)


async def test_ten_thousand_preferences_are_read_at_once(exact_clients: Clients) -> None:
    """The largest batch fits into a message."""
    names = [f"{number:0>128}" for number in range(10_000)]
    found = await exact_clients.sender.preferences.batch_get_preferences(names)
    assert [contact.contact_id for contact in found] == names


async def test_pages_of_rare_contacts_are_short(
    authority: RunningAuthority, database: Connection, wire: Wire
) -> None:
    """One call reads at most 10,000 contacts; a page can be empty before the end of the list."""
    keys = await make_tenant(authority)
    number = await tenant_number(database, keys.tenant_id)
    limit = scanned_page.MAX_SCANNED
    await database.execute(
        "insert into contacts (tenant, contact, contact_id, opens_consent, clicks_consent)"
        " select $1::integer, $1::integer::bigint * 100000 + n, lpad(n::text, 8, '0'),"
        " case when n in (5, $2::integer) then 3 else 1 end, 1"
        " from generate_series(1, $2::integer + 2) as n",
        number,
        2 * limit,
    )
    request = preference_pb2.ListContactsRequest(opens_consents=[privacy_pb2.CONSENT_DENIED])
    pages = []
    while True:
        page = await wire.call("ListContacts", request, keys.sender_key)
        pages.append([int(contact.contact_id) for contact in page.contacts])
        if not page.next_page_token:
            break
        request.page_token = page.next_page_token
    assert pages == [[5], [2 * limit], []]


async def test_a_page_token_of_another_tenant_is_only_a_position(
    authority: RunningAuthority, exact_clients: Clients, wire: Wire
) -> None:
    """It gives access to no contact or change of the other tenant."""
    keys, other_keys = await make_tenant(authority), await make_tenant(authority)
    async with AsyncExitStack() as stack:
        for each in (other_keys, keys):
            clients = await clients_of(stack, authority, keys=each)
            for name in ("a", "b", "c"):
                await clients.sender.preferences.set_preference(
                    f"{name} of {each.tenant_id}", DoNotTrack.FALSE
                )
    for method, request, field in (
        ("ListContacts", preference_pb2.ListContactsRequest(page_size=1), "contacts"),
        (
            "ListPreferenceChanges",
            preference_pb2.ListPreferenceChangesRequest(page_size=1),
            "changes",
        ),
    ):
        first = await wire.call(method, request, other_keys.sender_key)
        request.page_size = 100
        request.page_token = first.next_page_token
        page = await wire.call(method, request, keys.sender_key)
        names = [item.contact_id for item in getattr(page, field)]
        assert names
        assert all(name.endswith(keys.tenant_id) for name in names)


@pytest.fixture
async def logged(exact_clients: Clients) -> tuple[Clients, list[datetime]]:
    """Clients, and the times of three changes of bob and ann with different sources."""
    preferences = exact_clients.sender.preferences
    for name, source in (
        ("bob", PreferenceSource.SENDER),
        ("ann", IMPORT),
        ("ann", PreferenceSource.SENDER),
    ):
        await preferences.set_preference(
            name, DoNotTrack.TRUE if source is IMPORT else DoNotTrack.FALSE, source=source
        )
    return exact_clients, [c.change_time async for c in preferences.list_preference_changes()]


async def changes(clients: Clients, *contact: str, **filters: Any) -> list[tuple[str, str]]:
    """Return contact and source of the changes that match filters."""
    found = clients.sender.preferences.list_preference_changes(*contact, **filters)
    return [(change.contact_id, str(change.source)) async for change in found]


BOB, IMPORTED, ANN = ("bob", "SENDER"), ("ann", "IMPORT"), ("ann", "SENDER")


@pytest.mark.parametrize("page_size", [1, 100])
async def test_changes_are_filtered(logged: tuple[Clients, list[datetime]], page_size: int) -> None:
    """Contact, source and time are combined; the start belongs to the range, the end does not."""
    clients, times = logged
    sender = PreferenceSource.SENDER

    async def found(*contact: str, **filters: Any) -> list[tuple[str, str]]:
        return await changes(clients, *contact, page_size=page_size, **filters)

    assert await found() == [BOB, IMPORTED, ANN]
    assert await found(source=sender) == [BOB, ANN]
    assert await found("ann", source=sender) == [ANN]
    assert await found(source=PreferenceSource.RECIPIENT) == []
    assert await found(start_time=times[1]) == [IMPORTED, ANN]
    assert await found(end_time=times[1]) == [BOB]
    assert await found(start_time=times[1], end_time=times[2]) == [IMPORTED]
    assert await found("ann", start_time=times[1], end_time=times[2], source=sender) == []
    assert await found(start_time=times[2], end_time=times[1]) == []
    assert await found(start_time=EARLIEST, end_time=LATEST) == [BOB, IMPORTED, ANN]
    assert await found(start_time=LATEST) == []
    assert await found(end_time=EARLIEST) == []


async def test_a_filtered_list_has_no_gap_while_changes_are_made(exact_clients: Clients) -> None:
    """Pages that are read during changes list each change that was made before, once."""
    preferences = exact_clients.sender.preferences
    for number in range(30):
        await preferences.set_preference(f"c{number}", DoNotTrack.FALSE)

    async def more() -> None:
        for number in range(30, 60):
            await preferences.set_preference(f"c{number}", DoNotTrack.FALSE)

    listed, _ = await asyncio.gather(
        changes(exact_clients, source=PreferenceSource.SENDER, page_size=3), more()
    )
    names = [name for name, _ in listed]
    assert names == [f"c{number}" for number in range(len(names))]
    assert len(names) >= 30
