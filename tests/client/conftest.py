"""Runs the tests against both clients, and provides a scripted server.

Tests use the fixtures `connect`, `hushpost` and `clients`, which are either the
asynchronous client or the synchronous one in threads.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.rpc.error_details_pb2 import ErrorInfo, RequestInfo, RetryInfo
from google.rpc.status_pb2 import Status

from hushpost.v1 import campaign_pb2_grpc, stats_pb2_grpc, tracking_pb2_grpc
from hushpost_client import Hushpost, RetryPolicy
from tests.conftest import Clients

from .threaded import ThreadedHushpost

Handler = Callable[[grpc.aio.ServicerContext[Any, Any]], Awaitable[Any]]


class ScriptedServer(
    tracking_pb2_grpc.TrackingServiceServicer,
    campaign_pb2_grpc.CampaignServiceServicer,
    stats_pb2_grpc.StatsServiceServicer,
):
    """A server that responds by script, for responses that a healthy authority never sends.

    Each call takes the next handler. Keeps the requests and their metadata.
    """

    def __init__(self) -> None:
        self.script: list[Handler] = []
        self.requests: list[Any] = []
        self.metadata: list[dict[str, Any]] = []
        self.target = ""

    def respond(self, *messages: Message) -> None:
        """Respond to the next call; a stream breaks after the messages."""

        async def handler(_context: grpc.aio.ServicerContext[Any, Any]) -> tuple[Message, ...]:
            return messages

        self.script.append(handler)

    def fail(
        self,
        code: grpc.StatusCode,
        reason: str = "",
        *,
        retry_after: float | None = None,
        metadata: dict[str, str] | None = None,
        call_id: str | None = None,
    ) -> None:
        """Fail the next call with error details, as the authority does."""
        status = Status(code=code.value[0], message="the message")
        if reason:
            info = ErrorInfo(reason=reason, domain="hushpost", metadata=metadata or {})
            status.details.add().Pack(info)
        if retry_after is not None:
            delay = Duration(nanos=round(retry_after * 1e9))
            status.details.add().Pack(RetryInfo(retry_delay=delay))
        if call_id is not None:
            status.details.add().Pack(RequestInfo(request_id=call_id))
        self.fail_with_trailer(code, status.SerializeToString())

    def fail_with_trailer(self, code: grpc.StatusCode, trailer: bytes) -> None:
        """Fail the next call with these bytes as error details."""

        async def handler(context: grpc.aio.ServicerContext[Any, Any]) -> None:
            await context.abort(code, "the message", (("grpc-status-details-bin", trailer),))

        self.script.append(handler)

    def hang(self) -> None:
        """Never respond to the next call."""

        async def handler(context: grpc.aio.ServicerContext[Any, Any]) -> None:
            context.set_code(grpc.StatusCode.INTERNAL)
            await asyncio.sleep(30)

        self.script.append(handler)

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
    CreateCampaign = IssueTokens = PreviewModes = ListCampaigns = CloseCampaign = _unary
    WatchLinks = WatchCampaignStats = _stream


@pytest.fixture
async def server() -> AsyncIterator[ScriptedServer]:
    """A server with an empty script."""
    grpc_server = grpc.aio.server()
    server = ScriptedServer()  # type: ignore[abstract] # other methods are UNIMPLEMENTED
    tracking_pb2_grpc.add_TrackingServiceServicer_to_server(server, grpc_server)
    campaign_pb2_grpc.add_CampaignServiceServicer_to_server(server, grpc_server)
    stats_pb2_grpc.add_StatsServiceServicer_to_server(server, grpc_server)
    server.target = f"127.0.0.1:{grpc_server.add_insecure_port('127.0.0.1:0')}"
    await grpc_server.start()
    yield server
    await grpc_server.stop(None)


@pytest.fixture(params=[Hushpost, ThreadedHushpost], ids=["async", "sync"])
def connect(request: pytest.FixtureRequest) -> Any:
    """`Hushpost.connect`, of the asynchronous and of the synchronous client."""
    return request.param.connect


@pytest.fixture
async def hushpost(server: ScriptedServer, connect: Any) -> AsyncIterator[Any]:
    """A client of the scripted server with a very short backoff."""
    retry = RetryPolicy(max_tries=4, initial_backoff=0.001, max_backoff=0.002)
    async with connect(server.target, api_key="hp_secret", timeout=5, retry=retry) as client:
        yield client


@pytest.fixture
async def clients(authority: Any, tenant: Any, connect: Any) -> AsyncIterator[Clients]:
    """A client of each role for the test's tenant, asynchronous or synchronous."""
    async with AsyncExitStack() as stack:

        async def client(api_key: str) -> Any:
            return await stack.enter_async_context(connect(authority.target, api_key=api_key))

        yield Clients(
            tenant_id=tenant.tenant_id,
            installation=await client(authority.admin_key),
            sender=await client(tenant.sender_key),
            reporter=await client(tenant.reporter_key),
            edge=await client(tenant.edge_key),
            admin=await client(tenant.admin_key),
        )
