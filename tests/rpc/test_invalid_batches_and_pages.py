"""Batches that are empty or too large, invalid pages and cursors, and invalid batch items."""

import base64
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from hushpost.v1 import (
    admin_pb2,
    campaign_pb2,
    errors_pb2,
    preference_pb2,
    privacy_pb2,
    stats_pb2,
    tracking_pb2,
)
from tests.conftest import Clients
from tests.inspection import Connection
from tests.mailing import send
from tests.rpc.scenario import URL, Case, Request, Scenario, check_rejected, parametrize_cases
from tests.wire import Wire

TOO_MANY = 10_001


def _events(count: int) -> Request:
    return lambda s: tracking_pb2.RecordEventsRequest(
        events=[tracking_pb2.Event(token=s.token)] * count
    )


def _entries(count: int) -> Message:
    return preference_pb2.BatchSetPreferencesRequest(
        entries=[
            preference_pb2.PreferenceEntry(
                contact_id=f"c{n}", do_not_track=privacy_pb2.DO_NOT_TRACK_TRUE
            )
            for n in range(count)
        ]
    )


def _contacts(count: int) -> Message:
    return campaign_pb2.IssueTokensRequest(
        campaign_id="spring", group_id="vip", contact_ids=[f"c{n}" for n in range(count)]
    )


def _lookups(count: int) -> Message:
    return preference_pb2.BatchGetPreferencesRequest(contact_ids=[f"c{n}" for n in range(count)])


def _previewed(count: int) -> Message:
    return campaign_pb2.PreviewModesRequest(contact_ids=[f"c{n}" for n in range(count)])


def _batches() -> Iterator[Case]:
    lists: dict[tuple[str, str], Callable[[int], Request]] = {
        ("RecordEvents", "events"): _events,
        ("BatchSetPreferences", "entries"): _entries,
        ("BatchGetPreferences", "contact_ids"): _lookups,
        ("IssueTokens", "contact_ids"): _contacts,
        ("PreviewModes", "contact_ids"): _previewed,
    }
    for (method, field), request in lists.items():
        limit = {"field": field, "limit": "10000"}
        yield Case("none", method, request(0), "BATCH_EMPTY", metadata={"field": field})
        yield Case("10,001", method, request(TOO_MANY), "BATCH_TOO_LARGE", metadata=limit)


def _limits() -> Iterator[Case]:
    links = [campaign_pb2.Link(url=URL)] * TOO_MANY
    groups = [campaign_pb2.Group(group_id=f"g{n}") for n in range(TOO_MANY)]
    for field, parts in (("links", links), ("groups", groups)):
        given: dict[str, Any] = {field: parts}
        fewer: dict[str, Any] = {field: parts[:-1]}
        limit = {"field": field, "limit": "10000"}
        create = campaign_pb2.CreateCampaignRequest(campaign_id="new", **given)
        extend = campaign_pb2.ExtendCampaignRequest(campaign_id="spring", **fewer)
        name = f"10,001 {field}"
        yield Case(name, "CreateCampaign", create, "LIMIT_EXCEEDED", metadata=limit)
        yield Case(
            f"{name} in two calls", "ExtendCampaign", extend, "LIMIT_EXCEEDED", metadata=limit
        )


Page = Callable[[int, str], Message]

LISTS: dict[str, Page] = {
    "ListCampaigns": lambda size, token: campaign_pb2.ListCampaignsRequest(
        page_size=size, page_token=token
    ),
    "ListPreferenceChanges": lambda size, token: preference_pb2.ListPreferenceChangesRequest(
        page_size=size, page_token=token
    ),
    "ListContacts": lambda size, token: preference_pb2.ListContactsRequest(
        page_size=size, page_token=token
    ),
    "ListInactiveContacts": lambda size, token: preference_pb2.ListInactiveContactsRequest(
        before=Timestamp(seconds=1), page_size=size, page_token=token
    ),
    "ListPolicyChanges": lambda size, token: admin_pb2.ListPolicyChangesRequest(
        page_size=size, page_token=token
    ),
    "ListTenants": lambda size, token: admin_pb2.ListTenantsRequest(
        page_size=size, page_token=token
    ),
    "ListApiKeys": lambda size, token: admin_pb2.ListApiKeysRequest(
        page_size=size, page_token=token
    ),
    "ListCampaigns by name": lambda size, token: campaign_pb2.ListCampaignsRequest(
        order_by="display_name", page_size=size, page_token=token
    ),
    "ListGroupStats": lambda size, token: stats_pb2.ListGroupStatsRequest(
        campaign_id="spring", page_size=size, page_token=token
    ),
    "ListLinkStats": lambda size, token: stats_pb2.ListLinkStatsRequest(
        campaign_id="spring", page_size=size, page_token=token
    ),
    "ListEngagedContacts": lambda size, token: stats_pb2.ListEngagedContactsRequest(
        campaign_id="spring", page_size=size, page_token=token
    ),
}

INVALID_PAGE_TOKENS: dict[str, Callable[[Scenario, str], str]] = {
    "garbage": lambda _, __: "nonsense",
    "not base64": lambda _, __: "€",
    "not text": lambda _, __: base64.urlsafe_b64encode(b"\xff\x00").decode(),
    "of another list": lambda s, m: s.changes_page if m == "ListCampaigns" else s.campaigns_page,
    "cut": lambda s, _: s.campaigns_page[:-1],
}


def _page(method: str, token: Callable[[Scenario, str], str]) -> Request:
    return lambda scenario: LISTS[method](0, token(scenario, method))


def _pages() -> Iterator[Case]:
    for name, page in LISTS.items():
        method = name.partition(" ")[0]
        for size in (-1, -(2**31)):
            yield Case(f"size {size}", method, page(size, ""), "PAGE_SIZE_INVALID")
        for kind, token in INVALID_PAGE_TOKENS.items():
            yield Case(f"token {kind}", method, _page(name, token), "PAGE_TOKEN_INVALID")
    for name, position in {
        "without an id": "contacts:",
        "a control character": "contacts:a\x00",
        "too long": "contacts:" + "a" * 129,
        "not of the list": "contact:ann",
    }.items():
        invalid = base64.urlsafe_b64encode(position.encode()).decode()
        request = LISTS["ListContacts"](0, invalid)
        yield Case(f"token {name}", "ListContacts", request, "PAGE_TOKEN_INVALID")
    for position in ("campaigns_by_name:1:a\x00", "campaigns_by_name:a:1", "campaigns_by_name:"):
        invalid = base64.urlsafe_b64encode(position.encode()).decode()
        request = LISTS["ListCampaigns by name"](0, invalid)
        yield Case(f"token {position!r}", "ListCampaigns", request, "PAGE_TOKEN_INVALID")
    for cursor in ("nonsense", "-1", "1.5", " 1", "٣", "9" * 19):
        watch = tracking_pb2.WatchLinksRequest(cursor=cursor)
        yield Case(repr(cursor), "WatchLinks", watch, "CURSOR_INVALID")


@parametrize_cases([*_batches(), *_limits(), *_pages()])
async def test_an_invalid_list_is_rejected(
    scenario: Scenario, wire: Wire, database: Connection, case: Case
) -> None:
    """An invalid batch size, page or cursor rejects the whole call, and nothing is written."""
    await check_rejected(scenario, wire, database, case)


async def test_a_batch_records_valid_events_and_reports_the_others(
    exact_clients: Clients, scenario: Scenario, wire: Wire
) -> None:
    """RecordEvents records the valid events and returns index and reason of each invalid one."""
    mailing = await send(exact_clients, ["ann"])
    token = mailing.tokens["ann"]
    too_late, too_early = Timestamp(), Timestamp()
    too_late.FromDatetime(datetime.now(UTC) + timedelta(minutes=6))
    too_early.FromDatetime(datetime.now(UTC) - timedelta(days=31))
    invalid = {
        1: (tracking_pb2.Event(token=""), "TOKEN_INVALID"),
        2: (tracking_pb2.Event(token=token[:-1]), "TOKEN_INVALID"),
        3: (tracking_pb2.Event(token=scenario.preference_token), "TOKEN_INVALID"),
        5: (tracking_pb2.Event(token=token, link_number=3), "LINK_NOT_FOUND"),
        6: (tracking_pb2.Event(token=token, link_number=-1), "LINK_NOT_FOUND"),
        7: (tracking_pb2.Event(token=token, event_time=too_late), "EVENT_TIME_IN_FUTURE"),
        9: (tracking_pb2.Event(token=token, event_time=too_early), "EVENT_TIME_TOO_OLD"),
    }
    count = 12
    events = [
        invalid[n][0] if n in invalid else tracking_pb2.Event(token=token, link_number=n % 3)
        for n in range(count)
    ]
    request = tracking_pb2.RecordEventsRequest(events=events)
    response = await wire.call("RecordEvents", request, scenario.keys["edge"])
    assert response.accepted_count == count - len(invalid)
    reported = [
        (item.index, errors_pb2.ErrorReason.Name(item.reason)) for item in response.rejected
    ]
    assert reported == [(n, f"ERROR_REASON_{reason}") for n, (_, reason) in invalid.items()]
    assert all(item.message and token not in item.message for item in response.rejected)
    stats = await mailing.stats()
    counted = stats.opens.human.identified.total + stats.clicks.human.identified.total
    assert counted == count - len(invalid)


async def test_a_batch_without_a_valid_event_succeeds(scenario: Scenario, wire: Wire) -> None:
    """A batch of invalid events only is not an error: each event is reported with its reason."""
    request = tracking_pb2.RecordEventsRequest(events=[tracking_pb2.Event(token="x")] * 3)
    response = await wire.call("RecordEvents", request, scenario.keys["edge"])
    assert response.accepted_count == 0
    assert [item.index for item in response.rejected] == [0, 1, 2]
