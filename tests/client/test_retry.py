"""Which calls are retried, when, and how often."""

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
    ResourceExhaustedError,
    RetryPolicy,
    UnavailableError,
)

UNAVAILABLE = grpc.StatusCode.UNAVAILABLE


async def test_a_write_is_retried_with_the_same_request_id(hushpost: Any, server: Any) -> None:
    """A write that fails with UNAVAILABLE is retried with one generated UUID."""
    server.fail(UNAVAILABLE, "DATABASE_UNAVAILABLE")
    server.fail(UNAVAILABLE, "SHUTTING_DOWN")
    server.respond(tracking_pb2.RecordClickResponse(url="https://shop.example.com/"))
    assert await hushpost.tracking.record_click("t", 1) == "https://shop.example.com/"
    ids = {request.request_id for request in server.requests}
    assert len(server.requests) == 3
    assert len(ids) == 1
    assert uuid.UUID(ids.pop()).version == 4


async def test_the_callers_request_id_is_sent(hushpost: Any, server: Any) -> None:
    """A request id that the caller passes is sent."""
    request_id = uuid.uuid4()
    server.respond(tracking_pb2.RecordOpenResponse())
    await hushpost.tracking.record_open("t", request_id=request_id)
    assert server.requests[0].request_id == str(request_id)


async def test_each_write_has_its_own_request_id(hushpost: Any, server: Any) -> None:
    """Two equal calls have different request ids, so that both count."""
    server.respond(tracking_pb2.RecordOpenResponse())
    server.respond(tracking_pb2.RecordOpenResponse())
    await hushpost.tracking.record_open("t")
    await hushpost.tracking.record_open("t")
    assert server.requests[0].request_id != server.requests[1].request_id


async def test_a_call_without_request_id_is_not_retried(hushpost: Any, server: Any) -> None:
    """Reads, and writes that take no request id, fail at the first UNAVAILABLE."""
    for call in (
        hushpost.tracking.resolve_link("t", 1),
        hushpost.campaigns.close_campaign("spring"),
    ):
        server.requests.clear()
        server.fail(UNAVAILABLE)
        with pytest.raises(UnavailableError):
            await call
        assert len(server.requests) == 1


async def test_tries_are_bounded(hushpost: Any, server: Any) -> None:
    """After `max_tries` the last error is raised."""
    for _ in range(4):
        server.fail(UNAVAILABLE, "DATABASE_UNAVAILABLE")
    with pytest.raises(UnavailableError, match="DATABASE_UNAVAILABLE"):
        await hushpost.tracking.record_open("t")
    assert len(server.requests) == 4


@pytest.mark.parametrize(
    "code",
    [
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        grpc.StatusCode.INTERNAL,
        grpc.StatusCode.ABORTED,
    ],
)
async def test_other_statuses_are_not_retried(
    hushpost: Any, server: Any, code: grpc.StatusCode
) -> None:
    """Only UNAVAILABLE is retried; RESOURCE_EXHAUSTED is not, to add no load."""
    server.fail(code, retry_after=0.001)
    with pytest.raises(Exception, match="the message"):
        await hushpost.tracking.record_open("t")
    assert len(server.requests) == 1


async def test_overload_is_raised_with_its_delay(hushpost: Any, server: Any) -> None:
    """OVERLOADED raises ResourceExhaustedError with `retry_after`."""
    server.fail(grpc.StatusCode.RESOURCE_EXHAUSTED, "OVERLOADED", retry_after=0.5)
    with pytest.raises(ResourceExhaustedError) as caught:
        await hushpost.tracking.record_open("t")
    assert caught.value.retry_after == 0.5


async def test_a_retry_waits_for_the_requested_delay(hushpost: Any, server: Any) -> None:
    """The next try waits at least the delay of RetryInfo."""
    server.fail(UNAVAILABLE, "DATABASE_UNAVAILABLE", retry_after=0.2)
    server.respond(tracking_pb2.RecordOpenResponse())
    start = time.monotonic()
    await hushpost.tracking.record_open("t")
    assert time.monotonic() - start >= 0.2


async def test_a_delay_beyond_the_deadline_fails_at_once(hushpost: Any, server: Any) -> None:
    """If the next try would start after the deadline, the call fails without waiting."""
    server.fail(UNAVAILABLE, "DATABASE_UNAVAILABLE", retry_after=0.99)
    start = time.monotonic()
    with pytest.raises(UnavailableError):
        await hushpost.tracking.record_open("t", timeout=0.9)
    assert time.monotonic() - start < 0.8
    assert len(server.requests) == 1


async def test_a_call_ends_at_its_deadline(hushpost: Any, server: Any) -> None:
    """A call without a response ends after `timeout` seconds."""
    server.hang()
    start = time.monotonic()
    with pytest.raises(DeadlineExceededError):
        await hushpost.tracking.record_open("t", timeout=0.2)
    assert 0.15 < time.monotonic() - start < 10


async def test_the_deadline_spans_all_tries(hushpost: Any, server: Any) -> None:
    """A second try gets the rest of the timeout, not the whole again."""
    server.fail(UNAVAILABLE, retry_after=0.9)
    server.hang()
    start = time.monotonic()
    with pytest.raises(DeadlineExceededError):
        await hushpost.tracking.record_open("t", timeout=1)
    assert 0.95 < time.monotonic() - start < 1.8


@given(st.integers(1, 10_000), st.none() | st.floats(0, 60), st.floats(0, 1))
def test_a_backoff_stays_within_its_bounds(
    failures: int, retry_after: float | None, share: float
) -> None:
    """A backoff is the requested delay plus a random part of a bound that doubles."""
    policy = RetryPolicy(initial_backoff=0.1, max_backoff=5)
    backoff = policy.backoff(failures, retry_after, lambda low, high: low + share * (high - low))
    bound = min(5, 0.1 * 2 ** min(failures - 1, 60))
    assert backoff == pytest.approx((retry_after or 0) + share * bound)


@pytest.mark.parametrize(
    "arguments", [{"max_tries": 0}, {"initial_backoff": -1}, {"initial_backoff": 9}]
)
def test_an_invalid_policy_is_rejected(arguments: dict[str, Any]) -> None:
    """Invalid values raise ValueError in the constructor, not at the first failure."""
    with pytest.raises(ValueError, match="must be"):
        RetryPolicy(**arguments)
