"""What is tried again, when, and how often."""

import time
import uuid
from typing import Any

import grpc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hushpost.v1 import tracking_pb2
from hushpost_client import (
    DeadlineExceededError,
    Hushpost,
    ResourceExhaustedError,
    RetryPolicy,
    UnavailableError,
)

UNAVAILABLE = grpc.StatusCode.UNAVAILABLE


async def test_a_write_is_repeated_with_the_same_request_id(hushpost: Hushpost, peer: Any) -> None:
    """A write that meets UNAVAILABLE is tried again under one fresh UUID."""
    peer.refuses(UNAVAILABLE, "DATABASE_UNAVAILABLE")
    peer.refuses(UNAVAILABLE, "SHUTTING_DOWN")
    peer.answers(tracking_pb2.RecordClickResponse(url="https://shop.example.com/"))
    assert await hushpost.tracking.record_click("t", 1) == "https://shop.example.com/"
    ids = {request.request_id for request in peer.requests}
    assert len(peer.requests) == 3
    assert len(ids) == 1
    assert uuid.UUID(ids.pop()).version == 4


async def test_the_callers_request_id_is_sent(hushpost: Hushpost, peer: Any) -> None:
    """A request id that the caller passes is the one that counts."""
    request_id = uuid.uuid4()
    peer.answers(tracking_pb2.RecordOpenResponse())
    await hushpost.tracking.record_open("t", request_id=request_id)
    assert peer.requests[0].request_id == str(request_id)


async def test_two_writes_have_two_request_ids(hushpost: Hushpost, peer: Any) -> None:
    """Equal writes that are made twice count twice."""
    peer.answers(tracking_pb2.RecordOpenResponse())
    peer.answers(tracking_pb2.RecordOpenResponse())
    await hushpost.tracking.record_open("t")
    await hushpost.tracking.record_open("t")
    assert peer.requests[0].request_id != peer.requests[1].request_id


async def test_a_call_without_request_id_is_made_once(hushpost: Hushpost, peer: Any) -> None:
    """Reads, and writes that take no request id, are not repeated."""
    for call in (
        hushpost.tracking.resolve_link("t", 1),
        hushpost.campaigns.close_campaign("spring"),
    ):
        peer.requests.clear()
        peer.refuses(UNAVAILABLE)
        with pytest.raises(UnavailableError):
            await call
        assert len(peer.requests) == 1


async def test_tries_are_bounded(hushpost: Hushpost, peer: Any) -> None:
    """After `max_tries` the last error reaches the caller."""
    for _ in range(4):
        peer.refuses(UNAVAILABLE, "DATABASE_UNAVAILABLE")
    with pytest.raises(UnavailableError, match="DATABASE_UNAVAILABLE"):
        await hushpost.tracking.record_open("t")
    assert len(peer.requests) == 4


@pytest.mark.parametrize(
    "code",
    [
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        grpc.StatusCode.INTERNAL,
        grpc.StatusCode.ABORTED,
    ],
)
async def test_other_statuses_are_not_repeated(
    hushpost: Hushpost, peer: Any, code: grpc.StatusCode
) -> None:
    """Only UNAVAILABLE is tried again; an overloaded authority is left alone."""
    peer.refuses(code, retry_after=0.001)
    with pytest.raises(Exception, match="in words"):
        await hushpost.tracking.record_open("t")
    assert len(peer.requests) == 1


async def test_overload_is_the_callers_to_handle(hushpost: Hushpost, peer: Any) -> None:
    """OVERLOADED arrives as ResourceExhaustedError with the delay."""
    peer.refuses(grpc.StatusCode.RESOURCE_EXHAUSTED, "OVERLOADED", retry_after=0.5)
    with pytest.raises(ResourceExhaustedError) as caught:
        await hushpost.tracking.record_open("t")
    assert caught.value.retry_after == 0.5


async def test_the_authoritys_delay_is_honoured(hushpost: Hushpost, peer: Any) -> None:
    """The next try waits at least as long as RetryInfo says."""
    peer.refuses(UNAVAILABLE, "DATABASE_UNAVAILABLE", retry_after=0.2)
    peer.answers(tracking_pb2.RecordOpenResponse())
    begin = time.monotonic()
    await hushpost.tracking.record_open("t")
    assert time.monotonic() - begin >= 0.2


async def test_a_delay_beyond_the_deadline_fails_at_once(hushpost: Hushpost, peer: Any) -> None:
    """Where the next try would come too late, the caller hears so without waiting."""
    peer.refuses(UNAVAILABLE, "DATABASE_UNAVAILABLE", retry_after=0.9)
    begin = time.monotonic()
    with pytest.raises(UnavailableError):
        await hushpost.tracking.record_open("t", timeout=0.5)
    assert time.monotonic() - begin < 0.4
    assert len(peer.requests) == 1


async def test_a_call_ends_at_its_deadline(hushpost: Hushpost, peer: Any) -> None:
    """A call without an answer ends after `timeout` seconds."""
    peer.hangs()
    begin = time.monotonic()
    with pytest.raises(DeadlineExceededError):
        await hushpost.tracking.record_open("t", timeout=0.2)
    assert 0.15 < time.monotonic() - begin < 2


async def test_the_deadline_spans_all_tries(hushpost: Hushpost, peer: Any) -> None:
    """A second try gets what is left of the time, not the whole again."""
    peer.refuses(UNAVAILABLE, retry_after=0.3)
    peer.hangs()
    begin = time.monotonic()
    with pytest.raises(DeadlineExceededError):
        await hushpost.tracking.record_open("t", timeout=0.5)
    assert 0.45 < time.monotonic() - begin < 0.75


@given(st.integers(1, 10_000), st.none() | st.floats(0, 60), st.floats(0, 1))
def test_waits_stay_within_their_bounds(
    failures: int, retry_after: float | None, share: float
) -> None:
    """A wait is the authority's delay plus a random part of a bound that doubles."""
    policy = RetryPolicy(initial_backoff=0.1, max_backoff=5)
    backoff = policy.backoff(failures, retry_after, lambda low, high: low + share * (high - low))
    bound = min(5, 0.1 * 2 ** min(failures - 1, 60))
    assert backoff == pytest.approx((retry_after or 0) + share * bound)


@pytest.mark.parametrize(
    "arguments", [{"max_tries": 0}, {"initial_backoff": -1}, {"initial_backoff": 9}]
)
def test_a_policy_that_makes_no_sense_is_refused(arguments: dict[str, Any]) -> None:
    """Nonsense is a ValueError where it is written, not at the first failure."""
    with pytest.raises(ValueError, match="must be"):
        RetryPolicy(**arguments)
