"""Makes raw gRPC calls without the typed client, as a client in another language would."""

from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import grpc
from google.protobuf import message_factory
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from google.protobuf.message import Message
from google.rpc.error_details_pb2 import ErrorInfo, RequestInfo, RetryInfo
from google.rpc.status_pb2 import Status

from hushpost.v1 import (
    admin_pb2,
    campaign_pb2,
    domain_pb2,
    preference_pb2,
    stats_pb2,
    tracking_pb2,
)

SERVICES: tuple[ServiceDescriptor, ...] = (
    tracking_pb2.DESCRIPTOR.services_by_name["TrackingService"],
    preference_pb2.DESCRIPTOR.services_by_name["PreferenceService"],
    campaign_pb2.DESCRIPTOR.services_by_name["CampaignService"],
    stats_pb2.DESCRIPTOR.services_by_name["StatsService"],
    admin_pb2.DESCRIPTOR.services_by_name["AdminService"],
    domain_pb2.DESCRIPTOR.services_by_name["DomainService"],
)

METHODS: dict[str, MethodDescriptor] = {
    method.name: method for service in SERVICES for method in service.methods
}


@dataclass(frozen=True)
class Refusal:
    """The error of a failed call; `call_id` differs from call to call, and is not compared."""

    code: grpc.StatusCode
    message: str
    reason: str
    domain: str
    metadata: dict[str, str]
    retry_seconds: float | None
    call_id: str = field(compare=False)


class Wire:
    """A channel with optional gRPC arguments, and calls by RPC name."""

    def __init__(self, target: str, options: Sequence[tuple[str, Any]] = ()) -> None:
        self.channel = grpc.aio.insecure_channel(
            target,
            [
                ("grpc.max_receive_message_length", -1),
                ("grpc.max_send_message_length", -1),
                *options,
            ],
        )

    async def close(self) -> None:
        """Close the channel."""
        await self.channel.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def call(
        self, method: str, request: Message, key: str | None, timeout: float = 30
    ) -> Awaitable[Any]:
        """Make a call; of a stream, return the first response."""
        if METHODS[method].server_streaming:
            return self.first(method, request, key, timeout)
        path, serialize, deserialize = _parts(method)
        return self.channel.unary_unary(path, serialize, deserialize)(
            request, metadata=_credentials(key), timeout=timeout
        )

    def stream(
        self, method: str, request: Message, key: str | None, timeout: float | None = None
    ) -> Any:
        """Start a stream."""
        path, serialize, deserialize = _parts(method)
        return self.channel.unary_stream(path, serialize, deserialize)(
            request, metadata=_credentials(key), timeout=timeout
        )

    async def first(self, method: str, request: Message, key: str | None, timeout: float) -> Any:
        """Return the first response of a stream."""
        stream = self.stream(method, request, key, timeout)
        try:
            async for answer in stream:
                return answer
        finally:
            stream.cancel()
        raise AssertionError("the stream ended without an answer")

    async def refusal(
        self, method: str, request: Message, key: str | None, timeout: float = 30
    ) -> Refusal:
        """Make a call that must fail, and return its error."""
        try:
            answer = await self.call(method, request, key, timeout)
        except grpc.aio.AioRpcError as error:
            return refused(error)
        raise AssertionError(f"{method} was answered: {answer}")


def refused(error: grpc.aio.AioRpcError) -> Refusal:
    """Return the error of a failed call; check that status and details agree."""
    info, retry, request = ErrorInfo(), RetryInfo(), RequestInfo()
    seconds = None
    for key, value in error.trailing_metadata() or ():
        if key == "grpc-status-details-bin":
            assert isinstance(value, bytes)
            status = Status.FromString(value)
            assert (status.code, status.message) == (error.code().value[0], error.details())
            for detail in status.details:
                detail.Unpack(info)
                detail.Unpack(request)
                if detail.Unpack(retry):
                    seconds = retry.retry_delay.ToTimedelta().total_seconds()
    return Refusal(
        error.code(),
        error.details() or "",
        info.reason,
        info.domain,
        dict(info.metadata),
        seconds,
        request.request_id,
    )


def empty_request(method: str) -> Message:
    """Return an empty request message for a method."""
    return message_factory.GetMessageClass(METHODS[method].input_type)()


def _credentials(key: str | None) -> tuple[tuple[str, str], ...]:
    return () if key is None else (("authorization", f"Bearer {key}"),)


def _parts(method: str) -> tuple[str, Any, Any]:
    descriptor = METHODS[method]
    request = message_factory.GetMessageClass(descriptor.input_type)
    answer = message_factory.GetMessageClass(descriptor.output_type)
    path = f"/{descriptor.containing_service.full_name}/{descriptor.name}"
    return path, request.SerializeToString, answer.FromString
