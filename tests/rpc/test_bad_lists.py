"""What batches and pages get that are empty, too long or not to be found."""

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
from tests.rpc.scene import URL, Case, Request, Scene, check_refused, each
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


def _batches() -> Iterator[Case]:
    lists: dict[tuple[str, str], Callable[[int], Request]] = {
        ("RecordEvents", "events"): _events,
        ("BatchSetPreferences", "entries"): _entries,
        ("IssueTokens", "contact_ids"): _contacts,
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
    "ListPolicyChanges": lambda size, token: admin_pb2.ListPolicyChangesRequest(
        page_size=size, page_token=token
    ),
    "ListApiKeys": lambda size, token: admin_pb2.ListApiKeysRequest(
        page_size=size, page_token=token
    ),
    "ListEngagedContacts": lambda size, token: stats_pb2.ListEngagedContactsRequest(
        campaign_id="spring", page_size=size, page_token=token
    ),
}

BAD_PAGES: dict[str, Callable[[Scene, str], str]] = {
    "garbage": lambda _, __: "nonsense",
    "not base64": lambda _, __: "€",
    "not text": lambda _, __: base64.urlsafe_b64encode(b"\xff\x00").decode(),
    "of another list": lambda s, m: s.changes_page if m == "ListCampaigns" else s.campaigns_page,
    "cut": lambda s, _: s.campaigns_page[:-1],
}


def _page(method: str, token: Callable[[Scene, str], str]) -> Request:
    return lambda scene: LISTS[method](0, token(scene, method))


def _pages() -> Iterator[Case]:
    for method, page in LISTS.items():
        for size in (-1, -(2**31)):
            yield Case(f"size {size}", method, page(size, ""), "PAGE_SIZE_INVALID")
        for name, token in BAD_PAGES.items():
            yield Case(f"token {name}", method, _page(method, token), "PAGE_TOKEN_INVALID")
    for cursor in ("nonsense", "-1", "1.5", " 1", "٣", "9" * 19):
        request = tracking_pb2.WatchLinksRequest(cursor=cursor)
        yield Case(repr(cursor), "WatchLinks", request, "CURSOR_INVALID")


@each([*_batches(), *_limits(), *_pages()])
async def test_a_bad_list_is_refused(
    scene: Scene, wire: Wire, database: Connection, case: Case
) -> None:
    """A batch or page that cannot be is refused as a whole, and nothing is written."""
    await check_refused(scene, wire, database, case)


async def test_a_batch_records_the_good_and_names_the_bad(
    exact: Clients, scene: Scene, wire: Wire
) -> None:
    """Of a batch with bad items the good ones count, and each bad one has its reason."""
    mailing = await send(exact, ["ann"])
    good = mailing.tokens["ann"]
    ahead, behind = Timestamp(), Timestamp()
    ahead.FromDatetime(datetime.now(UTC) + timedelta(minutes=6))
    behind.FromDatetime(datetime.now(UTC) - timedelta(days=31))
    bad = {
        1: (tracking_pb2.Event(token=""), "TOKEN_INVALID"),
        2: (tracking_pb2.Event(token=good[:-1]), "TOKEN_INVALID"),
        3: (tracking_pb2.Event(token=scene.preference_token), "TOKEN_INVALID"),
        5: (tracking_pb2.Event(token=good, link_number=3), "LINK_NOT_FOUND"),
        6: (tracking_pb2.Event(token=good, link_number=-1), "LINK_NOT_FOUND"),
        7: (tracking_pb2.Event(token=good, event_time=ahead), "EVENT_TIME_IN_FUTURE"),
        9: (tracking_pb2.Event(token=good, event_time=behind), "EVENT_TIME_TOO_OLD"),
    }
    count = 12
    events = [
        bad[n][0] if n in bad else tracking_pb2.Event(token=good, link_number=n % 3)
        for n in range(count)
    ]
    request = tracking_pb2.RecordEventsRequest(events=events)
    answer = await wire.call("RecordEvents", request, scene.keys["edge"])
    assert answer.accepted_count == count - len(bad)
    named = [(item.index, errors_pb2.ErrorReason.Name(item.reason)) for item in answer.rejected]
    assert named == [(n, f"ERROR_REASON_{reason}") for n, (_, reason) in bad.items()]
    assert all(item.message and good not in item.message for item in answer.rejected)
    stats = await mailing.stats()
    counted = stats.opens.human.identified.total + stats.clicks.human.identified.total
    assert counted == count - len(bad)


async def test_a_batch_of_bad_items_only_is_answered(scene: Scene, wire: Wire) -> None:
    """A batch without one good item is no error: each item has its reason."""
    request = tracking_pb2.RecordEventsRequest(events=[tracking_pb2.Event(token="x")] * 3)
    answer = await wire.call("RecordEvents", request, scene.keys["edge"])
    assert answer.accepted_count == 0
    assert [item.index for item in answer.rejected] == [0, 1, 2]
