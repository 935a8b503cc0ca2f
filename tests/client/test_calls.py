"""Streams, pages, batches and metadata, against a scripted server."""

import dataclasses
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Any

import grpc
import pytest

import hushpost_client
from hushpost.v1 import campaign_pb2, errors_pb2, privacy_pb2, stats_pb2, tracking_pb2
from hushpost_client import (
    Event,
    Hushpost,
    InternalError,
    InvalidArgumentError,
    MessageModes,
    Mode,
    NewGroup,
    Verdict,
    sync,
)


def links_response(
    cursor: str, *urls: str, complete: bool = False
) -> tracking_pb2.WatchLinksResponse:
    """Return an update of the stream of links."""
    return tracking_pb2.WatchLinksResponse(
        links=[tracking_pb2.WatchedLink(campaign_number=7, link_number=1, url=u) for u in urls],
        cursor=cursor,
        snapshot_complete=complete,
    )


async def test_each_call_sends_the_api_key(hushpost: Any, server: Any) -> None:
    """A call has the API key as a bearer token, and the client's user agent."""
    server.respond(tracking_pb2.ResolveLinkResponse(url="https://example.com/"))
    await hushpost.tracking.resolve_link("t", 1)
    assert server.metadata[0]["authorization"] == "Bearer hp_secret"
    assert server.metadata[0]["user-agent"].startswith("hushpost-client/")


@pytest.mark.parametrize("facade", [Hushpost, sync.Hushpost])
async def test_no_representation_contains_the_api_key(facade: Any) -> None:
    """The API key is not in the repr of a client or its parts."""
    client = facade.connect("localhost:1", api_key="hp_secret")
    parts = (client, client.tracking, vars(client.tracking))
    assert "hp_secret" not in "".join(map(repr, parts))


async def test_a_stream_of_links_resumes_at_its_cursor(hushpost: Any, server: Any) -> None:
    """After an interruption, the stream continues after the last update."""
    server.respond(
        links_response("a", "https://example.com/1"), links_response("b", "https://example.com/2")
    )
    server.fail(grpc.StatusCode.UNAVAILABLE, "SHUTTING_DOWN")
    server.respond(links_response("c", "https://example.com/3", complete=True))
    server.respond(links_response("d"))
    received = []
    async with aclosing(hushpost.tracking.watch_links("start")) as updates:
        async for update in updates:
            received.append(update)
            if update.cursor == "d":
                break
    assert [request.cursor for request in server.requests] == ["start", "b", "b", "c"]
    assert [update.cursor for update in received] == ["a", "b", "c", "d"]
    assert [update.snapshot_complete for update in received] == [False, False, True, False]
    assert received[0].links[0].url == "https://example.com/1"


async def test_watched_stats_are_not_repeated_after_an_interruption(
    hushpost: Any, server: Any
) -> None:
    """A new stream starts with the present statistics, which are yielded if they differ."""

    def response(sent: int) -> stats_pb2.WatchCampaignStatsResponse:
        stats = stats_pb2.CampaignStats(sent=stats_pb2.SentStats(total=sent))
        return stats_pb2.WatchCampaignStatsResponse(stats=stats)

    server.respond(response(1), response(2))
    server.respond(response(2), response(3))
    server.fail(grpc.StatusCode.UNAVAILABLE, "DATABASE_UNAVAILABLE")
    server.respond(response(4))
    received = []
    async with aclosing(hushpost.stats.watch_campaign_stats("spring")) as updates:
        async for update in updates:
            received.append(update.sent.total)
            if received[-1] == 4:
                break
    assert received == [1, 2, 3, 4]
    assert {request.campaign_id for request in server.requests} == {"spring"}


async def test_a_stream_raises_any_other_error(hushpost: Any, server: Any) -> None:
    """A stream is not resumed after an error other than UNAVAILABLE."""
    server.fail(grpc.StatusCode.INVALID_ARGUMENT, "CURSOR_INVALID")
    with pytest.raises(InvalidArgumentError, match="CURSOR_INVALID"):
        await anext(hushpost.tracking.watch_links("nonsense"))


async def test_lists_fetch_all_pages(hushpost: Any, server: Any) -> None:
    """A list yields the items of all pages, even after an empty page."""
    for token, ids in (("p2", ["a", "b"]), ("p3", []), ("", ["c"])):
        page = [campaign_pb2.Campaign(campaign_id=campaign_id) for campaign_id in ids]
        server.respond(campaign_pb2.ListCampaignsResponse(campaigns=page, next_page_token=token))
    campaigns = hushpost.campaigns.list_campaigns(page_size=2)
    assert [campaign.campaign_id async for campaign in campaigns] == ["a", "b", "c"]
    assert [(request.page_size, request.page_token) for request in server.requests] == [
        (2, ""),
        (2, "p2"),
        (2, "p3"),
    ]


async def test_a_batch_of_events_is_sent_completely(hushpost: Any, server: Any) -> None:
    """Each field of each event is on the wire, and an absent time stays absent."""
    server.respond(tracking_pb2.RecordEventsResponse(accepted_count=2))
    time = datetime(2026, 3, 4, 5, 6, 7, 89, tzinfo=UTC)
    click = Event(
        "two",
        link_number=3,
        event_time=time,
        verdict=Verdict.PREFETCH,
        privacy_signal=True,
        repeated=True,
    )
    await hushpost.tracking.record_events(iter([Event("one"), click]))
    first, second = server.requests[0].events
    assert (first.token, first.link_number, first.HasField("event_time")) == (
        "one",
        0,
        False,
    )
    assert first.verdict == privacy_pb2.VERDICT_UNKNOWN
    assert (second.token, second.link_number) == ("two", 3)
    assert (second.privacy_signal, second.repeated) == (True, True)
    assert (first.privacy_signal, first.repeated) == (False, False)
    assert second.event_time.ToDatetime(tzinfo=UTC) == time
    assert second.verdict == privacy_pb2.VERDICT_PREFETCH


def test_link_number_0_is_rejected() -> None:
    """Link number 0, which would be sent as an open, raises ValueError."""
    with pytest.raises(ValueError, match="starts at 1"):
        Event("t", link_number=0)


async def test_rejected_events_have_reasons(hushpost: Any, server: Any) -> None:
    """Rejected events have their index and reason, even a reason unknown to this version."""
    rejected = [
        tracking_pb2.RejectedEvent(index=1, reason=errors_pb2.ERROR_REASON_TOKEN_INVALID),
        tracking_pb2.RejectedEvent(index=4, reason=999, message="new"),  # type: ignore[arg-type]
    ]
    server.respond(tracking_pb2.RecordEventsResponse(accepted_count=3, rejected=rejected))
    recorded = await hushpost.tracking.record_events([Event("t")] * 5)
    assert recorded.accepted_count == 3
    assert [(event.index, event.reason) for event in recorded.rejected] == [
        (1, "TOKEN_INVALID"),
        (4, "999"),
    ]


async def test_tokens_are_paired_with_their_contacts(hushpost: Any, server: Any) -> None:
    """Each issued token names its contact; a message in mode OFF has none."""
    server.respond(
        campaign_pb2.IssueTokensResponse(
            tokens=[
                campaign_pb2.IssuedToken(mode=privacy_pb2.MODE_IDENTIFIED, token="A"),
                campaign_pb2.IssuedToken(mode=privacy_pb2.MODE_OFF),
            ],
        )
    )
    issued = await hushpost.campaigns.issue_tokens("spring", "vip", iter(["ann", "bob"]))
    assert [(token.contact_id, token.mode, token.token) for token in issued.tokens] == [
        ("ann", Mode.IDENTIFIED, "A"),
        ("bob", Mode.OFF, None),
    ]


async def test_clicks_have_the_token_of_opens_unless_they_have_their_own(
    hushpost: Any, server: Any
) -> None:
    """A mode of clicks on the wire tells that links have another token, or none."""
    anonymous, off = privacy_pb2.MODE_ANONYMOUS, privacy_pb2.MODE_OFF
    messages = [
        campaign_pb2.IssuedToken(mode=anonymous, token="A"),
        campaign_pb2.IssuedToken(mode=anonymous, token="A", click_mode=off),
        campaign_pb2.IssuedToken(mode=off, click_mode=anonymous, click_token="C"),
        campaign_pb2.IssuedToken(mode=off, token="A", click_mode=off),
        campaign_pb2.IssuedToken(mode=anonymous, token="A", click_mode=9, click_token="C"),  # type: ignore[arg-type]
    ]
    server.respond(campaign_pb2.IssueTokensResponse(tokens=messages))
    issued = await hushpost.campaigns.issue_tokens("spring", "vip", map(str, range(5)))
    assert [
        (token.mode, token.token, token.click_mode, token.click_token) for token in issued.tokens
    ] == [
        (Mode.ANONYMOUS, "A", Mode.ANONYMOUS, "A"),
        (Mode.ANONYMOUS, "A", Mode.OFF, None),
        (Mode.OFF, None, Mode.ANONYMOUS, "C"),
        (Mode.OFF, "A", Mode.OFF, None),
        (Mode.ANONYMOUS, "A", None, "C"),
    ]


async def test_limits_of_modes_are_sent(hushpost: Any, server: Any) -> None:
    """Those of the campaign and of its groups; none is unset on the wire."""
    server.respond(campaign_pb2.CreateCampaignResponse())
    groups = ["a", NewGroup("b", max_mode=Mode.OFF)]
    await hushpost.campaigns.create_campaign("spring", groups=groups, max_mode=Mode.AGGREGATE)
    (request,) = server.requests
    assert request.max_mode == privacy_pb2.MODE_AGGREGATE
    assert [group.max_mode for group in request.groups] == [
        privacy_pb2.MODE_UNSPECIFIED,
        privacy_pb2.MODE_OFF,
    ]


async def test_previewed_modes_are_paired_with_their_contacts(hushpost: Any, server: Any) -> None:
    """In the order of the request; a wrong number is an error."""
    modes = campaign_pb2.MessageModes(
        open_mode=privacy_pb2.MODE_OFF, click_mode=privacy_pb2.MODE_ANONYMOUS
    )
    server.respond(campaign_pb2.PreviewModesResponse(modes=[modes]))
    (previewed,) = await hushpost.campaigns.preview_modes(iter(["ann"]))
    assert previewed == MessageModes(contact_id="ann", mode=Mode.OFF, click_mode=Mode.ANONYMOUS)
    server.respond(campaign_pb2.PreviewModesResponse(modes=[modes]))
    with pytest.raises(InternalError, match="requested 2 modes"):
        await hushpost.campaigns.preview_modes(["ann", "bob"])


async def test_a_wrong_number_of_tokens_is_an_error(hushpost: Any, server: Any) -> None:
    """Tokens that cannot be paired with contacts are not returned."""
    server.respond(campaign_pb2.IssueTokensResponse(tokens=[campaign_pb2.IssuedToken(token="A")]))
    with pytest.raises(InternalError, match="requested 2 tokens"):
        await hushpost.campaigns.issue_tokens("spring", "vip", ["ann", "bob"])


def test_values_are_immutable() -> None:
    """Every public dataclass is frozen and slotted."""
    values: list[Any] = [
        value
        for name in hushpost_client.__all__
        if dataclasses.is_dataclass(value := getattr(hushpost_client, name))
    ]
    assert len(values) > 20
    for value in values:
        assert value.__dataclass_params__.frozen, value
        assert "__slots__" in vars(value), value


@pytest.mark.parametrize("module", [hushpost_client, sync])
def test_public_names_are_the_clients_own(module: Any) -> None:
    """The packages export nothing from the stubs or from gRPC."""
    for name in module.__all__:
        assert getattr(module, name).__module__.startswith("hushpost_client."), name
