"""A client of several authorities uses all of them."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import grpc
import pytest

from hushpost.v1 import campaign_pb2, campaign_pb2_grpc

CALLS = 40


class CountingService(campaign_pb2_grpc.CampaignServiceServicer):
    """A CampaignService that counts its calls."""

    def __init__(self, server: grpc.aio.Server) -> None:
        self.calls = 0
        self.server = server
        self.port = server.add_insecure_port("127.0.0.1:0")
        campaign_pb2_grpc.add_CampaignServiceServicer_to_server(self, server)

    async def CloseCampaign(  # noqa: N802 - the name of the RPC
        self,
        request: campaign_pb2.CloseCampaignRequest,
        _context: grpc.aio.ServicerContext[Any, Any],
    ) -> campaign_pb2.CloseCampaignResponse:
        """Count the call."""
        self.calls += 1
        campaign = campaign_pb2.Campaign(campaign_id=request.campaign_id)
        return campaign_pb2.CloseCampaignResponse(campaign=campaign)


@asynccontextmanager
async def running_service() -> AsyncIterator[CountingService]:
    """Run a service on a free port."""
    service = CountingService(grpc.aio.server())  # type: ignore[abstract] # one RPC is enough
    await service.server.start()
    yield service
    await service.server.stop(None)


@pytest.fixture
async def services() -> AsyncIterator[list[CountingService]]:
    """Two running services."""
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(running_service()) for _ in range(2)]


def target(services: list[CountingService]) -> str:
    """Return a target with all addresses, as a DNS name resolves to several."""
    return "ipv4:" + ",".join(f"127.0.0.1:{service.port}" for service in services)


async def test_calls_are_spread(connect: Any, services: list[CountingService]) -> None:
    """Each authority gets a share of the calls."""
    async with connect(target(services), api_key="hp_x", tls=False) as client:
        # The first calls may come before the second connection is there.
        for _ in range(10 * CALLS):
            await client.campaigns.close_campaign("spring")
    assert min(service.calls for service in services) > CALLS


async def test_an_authority_that_is_down_is_left_out(
    connect: Any, services: list[CountingService]
) -> None:
    """All calls succeed at the first try while one of the authorities is down."""
    down, up = services
    await down.server.stop(None)
    async with connect(target(services), api_key="hp_x", tls=False) as client:
        for _ in range(CALLS):
            await client.campaigns.close_campaign("spring")
    assert (down.calls, up.calls) == (0, CALLS)
