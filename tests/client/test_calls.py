"""Streams, pages, batches and what goes with each call, against a scripted peer."""

import dataclasses
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Any

import grpc
import pytest

import hushpost_client
from hushpost.v1 import campaign_pb2, errors_pb2, privacy_pb2, tracking_pb2
from hushpost_client import (
    Event,
    Hushpost,
    InternalError,
    InvalidArgumentError,
    Mode,
    Verdict,
)


def links(cursor: str, *urls: str, complete: bool = False) -> tracking_pb2.WatchLinksResponse:
    """An update of the stream of links."""
    return tracking_pb2.WatchLinksResponse(
        links=[tracking_pb2.WatchedLink(campaign_number=7, link_number=1, url=u) for u in urls],
        cursor=cursor,
        snapshot_complete=complete,
    )


async def test_the_key_goes_with_each_call(hushpost: Hushpost, peer: Any) -> None:
    """The API key is sent as a bearer token, and the client names itself."""
    peer.answers(tracking_pb2.ResolveLinkResponse(url="https://example.com/"))
    await hushpost.tracking.resolve_link("t", 1)
    assert peer.metadata[0]["authorization"] == "Bearer hp_secret"
    assert peer.metadata[0]["user-agent"].startswith("hushpost-client/")


async def test_the_key_is_in_no_representation(hushpost: Hushpost) -> None:
    """Printing the client or its parts does not print the key."""
    parts = (hushpost, hushpost.tracking, vars(hushpost.tracking))
    assert "hp_secret" not in "".join(map(repr, parts))


async def test_a_stream_of_links_resumes_at_its_cursor(hushpost: Hushpost, peer: Any) -> None:
    """After a break the stream goes on where the last update ended."""
    peer.answers(links("a", "https://example.com/1"), links("b", "https://example.com/2"))
    peer.refuses(grpc.StatusCode.UNAVAILABLE, "SHUTTING_DOWN")
    peer.answers(links("c", "https://example.com/3", complete=True))
    peer.answers(links("d"))
    seen = []
    async with aclosing(hushpost.tracking.watch_links("start")) as updates:
        async for update in updates:
            seen.append(update)
            if update.cursor == "d":
                break
    assert [request.cursor for request in peer.requests] == ["start", "b", "b", "c"]
    assert [update.cursor for update in seen] == ["a", "b", "c", "d"]
    assert [update.snapshot_complete for update in seen] == [False, False, True, False]
    assert seen[0].links[0].url == "https://example.com/1"


async def test_a_stream_ends_with_any_other_error(hushpost: Hushpost, peer: Any) -> None:
    """A cursor that the authority refuses is the caller's to handle."""
    peer.refuses(grpc.StatusCode.INVALID_ARGUMENT, "CURSOR_INVALID")
    with pytest.raises(InvalidArgumentError, match="CURSOR_INVALID"):
        await anext(hushpost.tracking.watch_links("nonsense"))


async def test_lists_fetch_page_after_page(hushpost: Hushpost, peer: Any) -> None:
    """A list yields the items of all pages, an empty page in the middle included."""
    for token, ids in (("p2", ["a", "b"]), ("p3", []), ("", ["c"])):
        page = [campaign_pb2.Campaign(campaign_id=campaign_id) for campaign_id in ids]
        peer.answers(campaign_pb2.ListCampaignsResponse(campaigns=page, next_page_token=token))
    found = [c.campaign_id async for c in hushpost.campaigns.list_campaigns(page_size=2)]
    assert found == ["a", "b", "c"]
    assert [(r.page_size, r.page_token) for r in peer.requests] == [
        (2, ""),
        (2, "p2"),
        (2, "p3"),
    ]


async def test_a_batch_of_events_arrives_as_given(hushpost: Hushpost, peer: Any) -> None:
    """Each field of each event is on the wire, and an absent time stays absent."""
    peer.answers(tracking_pb2.RecordEventsResponse(accepted_count=2))
    at = datetime(2026, 3, 4, 5, 6, 7, 89, tzinfo=UTC)
    await hushpost.tracking.record_events(
        iter(
            [
                Event("one"),
                Event(
                    "two",
                    link_number=3,
                    event_time=at,
                    verdict=Verdict.PREFETCH,
                    privacy_signal=True,
                ),
            ]
        )
    )
    first, second = peer.requests[0].events
    assert (first.token, first.link_number, first.HasField("event_time")) == (
        "one",
        0,
        False,
    )
    assert first.verdict == privacy_pb2.VERDICT_UNKNOWN
    assert (second.token, second.link_number, second.privacy_signal) == ("two", 3, True)
    assert second.event_time.ToDatetime(tzinfo=UTC) == at
    assert second.verdict == privacy_pb2.VERDICT_PREFETCH


async def test_rejected_events_come_back_with_reasons(hushpost: Hushpost, peer: Any) -> None:
    """Rejected items keep index and reason, also a reason this version doesn't know."""
    rejected = [
        tracking_pb2.RejectedEvent(index=1, reason=errors_pb2.ERROR_REASON_TOKEN_INVALID),
        tracking_pb2.RejectedEvent(index=4, reason=999, message="new"),  # type: ignore[arg-type]
    ]
    peer.answers(tracking_pb2.RecordEventsResponse(accepted_count=3, rejected=rejected))
    recorded = await hushpost.tracking.record_events([Event("t")] * 5)
    assert recorded.accepted_count == 3
    assert [(r.index, r.reason) for r in recorded.rejected] == [
        (1, "TOKEN_INVALID"),
        (4, "999"),
    ]


async def test_tokens_are_paired_with_their_contacts(hushpost: Hushpost, peer: Any) -> None:
    """Each issued token names the contact that it is for."""
    peer.answers(
        campaign_pb2.IssueTokensResponse(
            tokens=[
                campaign_pb2.IssuedToken(mode=privacy_pb2.MODE_IDENTIFIED, token="A"),
                campaign_pb2.IssuedToken(mode=privacy_pb2.MODE_OFF),
            ],
            warnings=[campaign_pb2.ISSUE_WARNING_FEW_ANONYMOUS],
        )
    )
    issued = await hushpost.campaigns.issue_tokens("spring", "vip", iter(["ann", "bob"]))
    assert [(t.contact_id, t.mode, t.token) for t in issued.tokens] == [
        ("ann", Mode.IDENTIFIED, "A"),
        ("bob", Mode.OFF, None),
    ]
    assert issued.warnings == (hushpost_client.IssueWarning.FEW_ANONYMOUS,)


async def test_a_wrong_number_of_tokens_is_refused(hushpost: Hushpost, peer: Any) -> None:
    """Tokens that can't be paired are never handed out."""
    peer.answers(campaign_pb2.IssueTokensResponse(tokens=[campaign_pb2.IssuedToken(token="A")]))
    with pytest.raises(InternalError, match="requested 2 tokens"):
        await hushpost.campaigns.issue_tokens("spring", "vip", ["ann", "bob"])


def test_no_value_can_be_changed() -> None:
    """Every dataclass that the client hands out is frozen and slotted."""
    values: list[Any] = [
        value
        for name in hushpost_client.__all__
        if dataclasses.is_dataclass(value := getattr(hushpost_client, name))
    ]
    assert len(values) > 20
    for value in values:
        assert value.__dataclass_params__.frozen, value
        assert "__slots__" in vars(value), value


def test_stubs_do_not_leak() -> None:
    """Nothing that the package exports comes from the stubs or from gRPC."""
    for name in hushpost_client.__all__:
        assert getattr(hushpost_client, name).__module__.startswith("hushpost_client."), name
