"""No item of a batch can fail the others, whatever it contains; hostile calls fail with a reason."""

from collections.abc import Mapping
from typing import Any

import grpc
import pytest
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hushpost.v1 import campaign_pb2, errors_pb2, preference_pb2, privacy_pb2, tracking_pb2
from tests.conftest import Clients
from tests.faults.extent import FULL
from tests.mailing import Mailing, send
from tests.rpc.scenario import EDGE, SENDER, Scenario
from tests.wire import Refusal, Wire, refused

ITEM_REASONS = {
    "TOKEN_INVALID",
    "TOKEN_KEY_UNKNOWN",
    "CAMPAIGN_NOT_FOUND",
    "LINK_NOT_FOUND",
    "EVENT_TIME_IN_FUTURE",
    "EVENT_TIME_TOO_OLD",
}
"""The reasons that `RejectedEvent` documents."""

INT32 = st.integers(-(2**31), 2**31 - 1)
INT64 = st.integers(-(2**63), 2**63 - 1)
FIXED = settings(
    max_examples=120 if FULL else 40,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)

GOOD, OTHER = "good", "of another tenant"
"""Placeholders for valid tokens, which do not exist yet when the strategies are built."""

base64url = st.text(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", min_size=56, max_size=56
)
texts = st.one_of(
    st.text(max_size=100),
    base64url,
    st.builds(lambda text, end: text[: -len(end)] + end, base64url, st.sampled_from(("=", "=="))),
    st.sampled_from((GOOD, OTHER, "A" * 56, "_" * 56, "=" * 56, "", "A" * 5000)),
)
damage = st.tuples(st.integers(0, 55), st.text(min_size=1, max_size=2))
"""A place in a valid token, and what is written there."""

items = st.fixed_dictionaries(
    {
        "token": texts | damage,
        "link_number": st.sampled_from((0, 1, 2, 3)) | INT32,
        "verdict": st.integers(0, 4) | INT32,
        "privacy_signal": st.booleans(),
        "repeated": st.booleans(),
        "event_time": st.none() | st.tuples(INT64, INT32) | st.tuples(st.just(0), st.just(0)),
    }
)


@pytest.fixture
async def mailing(exact_clients: Clients) -> Mailing:
    """A campaign with two links."""
    return await send(exact_clients, ["ann"])


def _token(text: str | tuple[int, str], good: str, other: str) -> str:
    if isinstance(text, tuple):
        place, change = text
        return (good[:place] + change + good[place + len(change) :])[: len(good)]
    return {GOOD: good, OTHER: other}.get(text, text)


def _event(item: Mapping[str, Any], token: str) -> tracking_pb2.Event:
    event = tracking_pb2.Event(
        token=token,
        link_number=item["link_number"],
        verdict=item["verdict"],
        privacy_signal=item["privacy_signal"],
        repeated=item["repeated"],
    )
    if item["event_time"] is not None:
        seconds, nanos = item["event_time"]
        event.event_time.CopyFrom(Timestamp(seconds=seconds, nanos=nanos))
    return event


async def _reason(wire: Wire, event: tracking_pb2.Event, key: str | None) -> str:
    """Record an event with the RPC for single events; return why it was rejected, or ""."""
    time = event.event_time if event.HasField("event_time") else None
    common: dict[str, Any] = {
        "token": event.token,
        "verdict": event.verdict,
        "privacy_signal": event.privacy_signal,
        "repeated": event.repeated,
    }
    request: Message
    if event.link_number:
        method = "RecordClick"
        request = tracking_pb2.RecordClickRequest(
            link_number=event.link_number, click_time=time, **common
        )
    else:
        method = "RecordOpen"
        request = tracking_pb2.RecordOpenRequest(open_time=time, **common)
    try:
        await wire.call(method, request, key)
    except grpc.aio.AioRpcError as error:
        return refused(error).reason
    return ""


@FIXED
@given(st.lists(items, min_size=1, max_size=12), st.integers(0, 12))
async def test_items_of_a_batch_are_judged_one_by_one(
    scenario: Scenario, wire: Wire, mailing: Mailing, hostile: list[dict[str, Any]], place: int
) -> None:
    """Good items are recorded, others are rejected for the reason that they have on their own."""
    good = mailing.tokens["ann"]
    events = [_event(item, _token(item["token"], good, scenario.other_token)) for item in hostile]
    place = min(place, len(events))
    events[place:place] = [tracking_pb2.Event(token=good, verdict=privacy_pb2.VERDICT_HUMAN)] * 2
    key = scenario.keys[EDGE]
    before = (await mailing.stats()).opens.human.identified.total
    response = await wire.call("RecordEvents", tracking_pb2.RecordEventsRequest(events=events), key)
    rejected = {
        item.index: errors_pb2.ErrorReason.Name(item.reason).removeprefix("ERROR_REASON_")
        for item in response.rejected
    }
    after = (await mailing.stats()).opens.human.identified.total
    assert after >= before + 2
    assert set(rejected.values()) <= ITEM_REASONS
    assert response.accepted_count == len(events) - len(rejected)
    alone = [await _reason(wire, event, key) for event in events]
    assert [rejected.get(index, "") for index in range(len(events))] == alone


def test_the_documented_reasons_are_those_of_the_test() -> None:
    """The reasons of rejected items are documented in the proto file."""
    names = {name.removeprefix("ERROR_REASON_") for name in errors_pb2.ErrorReason.keys()}  # noqa: SIM118 - not a dict
    assert names >= ITEM_REASONS


@pytest.mark.parametrize("end", ["=", "=="])
async def test_a_token_that_ends_in_padding_rejects_only_itself(
    scenario: Scenario, wire: Wire, end: str
) -> None:
    """A token of the right length that ends in "=" does not fail the batch."""
    padded = scenario.token[: -len(end)] + end
    request = tracking_pb2.RecordEventsRequest(
        events=[tracking_pb2.Event(token=token) for token in (scenario.token, padded)]
    )
    response = await wire.call("RecordEvents", request, scenario.keys[EDGE])
    assert response.accepted_count == 1
    assert [item.index for item in response.rejected] == [1]
    assert response.rejected[0].reason == errors_pb2.ERROR_REASON_TOKEN_INVALID


contact_ids = st.text(max_size=140) | st.sampled_from(("", "a\x00", "a\nb", "é" * 64, "é" * 65))
enums = st.integers(-1, 6) | INT32
entries = st.builds(
    preference_pb2.PreferenceEntry,
    contact_id=contact_ids,
    do_not_track=enums,
    source=enums,
    evidence=st.text(max_size=20) | st.sampled_from(("\x00", "x" * 1025)),
)
links = st.builds(
    campaign_pb2.Link,
    url=st.text(max_size=30)
    | st.sampled_from(("https://shop.example.com/a", "http://[", "https://a:b/", "//x")),
    label=st.text(max_size=130),
    link_number=INT32 | st.just(0),
)
groups = st.builds(campaign_pb2.Group, group_id=contact_ids)
requests = st.one_of(
    st.builds(
        preference_pb2.BatchSetPreferencesRequest,
        entries=st.lists(entries, max_size=5),
        history=enums,
    ),
    st.builds(
        campaign_pb2.IssueTokensRequest,
        campaign_id=st.sampled_from(("spring", "closed", "")) | contact_ids,
        group_id=st.sampled_from(("vip", "")) | contact_ids,
        contact_ids=st.lists(contact_ids, max_size=5),
        include_preference_tokens=st.booleans(),
    ),
    st.builds(
        campaign_pb2.CreateCampaignRequest,
        campaign_id=contact_ids,
        display_name=st.text(max_size=20) | st.sampled_from(("\x00", "x" * 257)),
        links=st.lists(links, max_size=4),
        groups=st.lists(groups, max_size=4),
    ),
    st.builds(
        campaign_pb2.ExtendCampaignRequest,
        campaign_id=st.just("spring") | contact_ids,
        links=st.lists(links, max_size=4),
        groups=st.lists(groups, max_size=4),
    ),
)


@settings(FIXED, max_examples=150 if FULL else 50)
@given(requests)
async def test_a_hostile_call_succeeds_or_fails_with_a_reason(
    scenario: Scenario, wire: Wire, request: Message
) -> None:
    """A call with arbitrary items never fails without a reason, nor with INTERNAL."""
    method = type(request).__name__.removesuffix("Request")
    try:
        await wire.call(method, request, scenario.keys[SENDER])
    except grpc.aio.AioRpcError as error:
        refusal: Refusal = refused(error)
        assert refusal.domain == "hushpost"
        assert errors_pb2.ErrorReason.Value(f"ERROR_REASON_{refusal.reason}")
        assert refusal.code not in (grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN)
