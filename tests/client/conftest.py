"""A peer that answers by script, over a real socket, for what a healthy authority never does."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.rpc.error_details_pb2 import ErrorInfo, RetryInfo
from google.rpc.status_pb2 import Status

from hushpost.v1 import campaign_pb2_grpc, tracking_pb2_grpc
from hushpost_client import Hushpost, RetryPolicy

Step = Callable[[grpc.aio.ServicerContext[Any, Any]], Awaitable[Any]]


class ScriptedPeer(
    tracking_pb2_grpc.TrackingServiceServicer, campaign_pb2_grpc.CampaignServiceServicer
):
    """Takes one step of its script per call, and keeps the requests and their metadata."""

    def __init__(self) -> None:
        self.script: list[Step] = []
        self.requests: list[Any] = []
        self.metadata: list[dict[str, Any]] = []
        self.target = ""

    def answers(self, *messages: Message) -> None:
        """Answer the next call: with one message, or a stream that then breaks."""

        async def step(_context: grpc.aio.ServicerContext[Any, Any]) -> tuple[Message, ...]:
            return messages

        self.script.append(step)

    def refuses(
        self,
        code: grpc.StatusCode,
        reason: str = "",
        *,
        retry_after: float | None = None,
        metadata: dict[str, str] | None = None,
    ) -> None:
        """Fail the next call as the authority does."""
        status = Status(code=code.value[0], message="in words")
        if reason:
            info = ErrorInfo(reason=reason, domain="hushpost", metadata=metadata or {})
            status.details.add().Pack(info)
        if retry_after is not None:
            delay = Duration(nanos=round(retry_after * 1e9))
            status.details.add().Pack(RetryInfo(retry_delay=delay))
        self.fails(code, status.SerializeToString())

    def fails(self, code: grpc.StatusCode, trailer: bytes) -> None:
        """Fail the next call with these bytes as details."""

        async def step(context: grpc.aio.ServicerContext[Any, Any]) -> None:
            await context.abort(code, "in words", (("grpc-status-details-bin", trailer),))

        self.script.append(step)

    def hangs(self) -> None:
        """Leave the next call without an answer."""

        async def step(context: grpc.aio.ServicerContext[Any, Any]) -> None:
            context.set_code(grpc.StatusCode.INTERNAL)
            await asyncio.sleep(30)

        self.script.append(step)

    async def _next(self, request: Any, context: grpc.aio.ServicerContext[Any, Any]) -> Any:
        self.requests.append(request)
        self.metadata.append(dict(context.invocation_metadata() or ()))
        return await self.script.pop(0)(context)

    async def _unary(self, request: Any, context: grpc.aio.ServicerContext[Any, Any]) -> Any:
        return (await self._next(request, context))[0]

    async def _stream(
        self, request: Any, context: grpc.aio.ServicerContext[Any, Any]
    ) -> AsyncIterator[Any]:
        for message in await self._next(request, context):
            yield message
        await context.abort(grpc.StatusCode.UNAVAILABLE, "broken")

    RecordOpen = RecordClick = RecordEvents = ResolveLink = _unary
    IssueTokens = ListCampaigns = CloseCampaign = _unary
    WatchLinks = _stream


@pytest.fixture
async def peer() -> AsyncIterator[ScriptedPeer]:
    """A peer without a script yet."""
    server = grpc.aio.server()
    peer = ScriptedPeer()  # type: ignore[abstract] # what it does not have is UNIMPLEMENTED
    tracking_pb2_grpc.add_TrackingServiceServicer_to_server(peer, server)
    campaign_pb2_grpc.add_CampaignServiceServicer_to_server(peer, server)
    peer.target = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    await server.start()
    yield peer
    await server.stop(None)


@pytest.fixture
async def hushpost(peer: ScriptedPeer) -> AsyncIterator[Hushpost]:
    """A client of the peer that waits next to nothing between tries."""
    retry = RetryPolicy(max_tries=4, initial_backoff=0.001, max_backoff=0.002)
    async with Hushpost.connect(
        peer.target, api_key="hp_secret", tls=False, timeout=5, retry=retry
    ) as client:
        yield client
