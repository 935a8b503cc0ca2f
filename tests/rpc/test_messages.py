"""Requests that cannot be read get a typed error, after authentication."""

import asyncio
from typing import Any

import grpc
import pytest

from hushpost.v1 import tracking_pb2
from hushpost_service.domain.errors import HushpostError, Reason
from hushpost_service.rpc.receiving import RequestReader
from tests.conftest import RunningAuthority, TenantKeys, make_tenant
from tests.wire import Refusal, Wire, refused

TRACKING = "/hushpost.v1.TrackingService/"


async def _refusal(wire: Wire, method: str, requests: list[bytes], key: str | None) -> Refusal:
    call: Any = wire.channel.stream_unary(TRACKING + method)
    metadata = (("authorization", f"Bearer {key}"),) if key else ()
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call(iter(requests), metadata=metadata, timeout=10)
    return refused(caught.value)


@pytest.mark.parametrize(
    ("requests", "reason"),
    [
        ([b"\xff\xff\xff"], "MESSAGE_INVALID"),
        ([bytes(70_000)], "MESSAGE_TOO_LARGE"),
    ],
)
async def test_an_unreadable_request_is_an_invalid_argument(
    wire: Wire,
    tenant: TenantKeys,
    authority: RunningAuthority,
    requests: list[bytes],
    reason: str,
) -> None:
    """A request that is no message or too long is rejected, and not logged."""
    logged = authority.process.log_file.stat().st_size
    refusal = await _refusal(wire, "RecordClick", requests, tenant.edge_key)
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.INVALID_ARGUMENT, reason)
    assert authority.process.log_file.stat().st_size == logged


@pytest.mark.parametrize("method", ["RecordClick", "RecordEvents"])
async def test_a_call_without_a_request_is_an_invalid_argument(
    wire: Wire, tenant: TenantKeys, transport: str, method: str
) -> None:
    """The native transport ends calls without a request itself, without details."""
    refusal = await _refusal(wire, method, [], tenant.edge_key)
    if transport == "native" and method == "RecordClick":
        assert refusal.code is grpc.StatusCode.INTERNAL
    else:
        assert (refusal.code, refusal.reason) == (
            grpc.StatusCode.INVALID_ARGUMENT,
            "MESSAGE_INVALID",
        )


@pytest.mark.parametrize(
    ("method", "requests"),
    [
        ("RecordClick", [b"\xff\xff\xff"]),
        ("RecordClick", [bytes(70_000)]),
        ("RecordEvents", []),
    ],
)
async def test_a_request_is_not_read_without_a_key(
    wire: Wire, method: str, requests: list[bytes]
) -> None:
    """Whatever the request is, a call without a key is UNAUTHENTICATED."""
    refusal = await _refusal(wire, method, requests, None)
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.UNAUTHENTICATED, "API_KEY_MISSING")


async def test_a_batch_may_be_longer_than_other_requests(wire: Wire, tenant: TenantKeys) -> None:
    """A request of RecordEvents of 70 kB is read: it is invalid only as a message."""
    refusal = await _refusal(wire, "RecordEvents", [b"\xff" * 70_000], tenant.edge_key)
    assert refusal.reason == "MESSAGE_INVALID"


async def test_a_compressed_request_is_rejected(wire: Wire, tenant: TenantKeys) -> None:
    """A server that decompressed requests could be made to hold a thousand times their size."""
    call: Any = wire.channel.unary_unary(TRACKING + "RecordEvents")
    metadata = (("authorization", f"Bearer {tenant.edge_key}"),)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call(
            bytes(8_000_000), metadata=metadata, timeout=10, compression=grpc.Compression.Gzip
        )
    assert caught.value.code() in (grpc.StatusCode.UNIMPLEMENTED, grpc.StatusCode.INTERNAL)


async def test_a_caller_that_sends_nothing_does_not_keep_others_from_sending(
    wire: Wire, tenant: TenantKeys, authority: RunningAuthority
) -> None:
    """More unsent batches than are received at once do not delay a batch of another key."""
    other = await make_tenant(authority)
    method: Any = wire.channel.stream_unary(TRACKING + "RecordEvents")
    metadata = (("authorization", f"Bearer {tenant.edge_key}"),)
    unsent = [method(metadata=metadata, timeout=60) for _ in range(40)]
    try:
        for call in unsent:
            await call.wait_for_connection()
        batch = tracking_pb2.RecordEventsRequest(events=[tracking_pb2.Event(token="x")])
        response = await wire.call("RecordEvents", batch, other.edge_key, timeout=10)
        assert len(response.rejected) == 1
    finally:
        for call in unsent:
            call.cancel()


class _AdmitAll:
    """Admits calls without a key, which `AdmissionInterceptor` needs."""

    def unary(self, _: str, call: Any) -> Any:
        return call

    stream = unary

    def check(self, _: str) -> None:
        pass


ADMIT_ALL: Any = _AdmitAll()


class _SilentContext:
    """The context of a call whose request never arrives."""

    async def read(self) -> bytes:
        await asyncio.sleep(3600)
        return b""


async def test_a_request_that_does_not_arrive_ends_the_call() -> None:
    """A caller that does not send its request in time gets MESSAGE_TIMEOUT."""

    async def serve(request: Any, _: Any) -> Any:
        return request

    read = RequestReader(seconds=0.05).of_rpc("RecordClick", bytes, serve, ADMIT_ALL.check)
    context: Any = _SilentContext()
    with pytest.raises(HushpostError) as caught:
        await asyncio.wait_for(read(None, context), 10)
    assert caught.value.reason is Reason.MESSAGE_TIMEOUT
