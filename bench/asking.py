"""Asks for the numbers of a campaign, and for what costs next to nothing beside it."""

import time

from bench.tenant import Tenant
from hushpost.v1 import campaign_pb2
from hushpost.v1 import stats_pb2 as pb
from hushpost.v1.campaign_pb2_grpc import CampaignServiceStub
from hushpost.v1.stats_pb2_grpc import StatsServiceStub

__all__ = ["Asking"]

_TIMEOUT = 30


class Asking:
    """Calls GetCampaignStats for one tenant, and GetCampaign, which reads no numbers."""

    def __init__(self, tenant: Tenant) -> None:
        self._stub = StatsServiceStub(tenant.channel)
        self._campaigns = CampaignServiceStub(tenant.channel)
        self._metadata = tenant.reporter_metadata

    async def seconds(self, campaign_id: str, calls: int) -> float:
        """Return what one answer takes, averaged over so many."""
        request = pb.GetCampaignStatsRequest(campaign_id=campaign_id)
        start = time.perf_counter()
        for _ in range(calls):
            await self._stub.GetCampaignStats(request, metadata=self._metadata, timeout=_TIMEOUT)
        return (time.perf_counter() - start) / calls

    async def bare_seconds(self, campaign_id: str, calls: int) -> float:
        """Return what an answer takes that has no numbers in it."""
        request = campaign_pb2.GetCampaignRequest(campaign_id=campaign_id)
        start = time.perf_counter()
        for _ in range(calls):
            await self._campaigns.GetCampaign(request, metadata=self._metadata, timeout=_TIMEOUT)
        return (time.perf_counter() - start) / calls
