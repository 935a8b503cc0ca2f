"""Sends `RecordEvents` batches and checks that the authority counted them."""

import random
from collections.abc import Sequence

from bench.load.closed_loop import measure_throughput
from bench.scenario import batches
from bench.tenant import Tenant, check_recorded
from hushpost.v1 import tracking_pb2 as pb
from hushpost.v1.tracking_pb2_grpc import TrackingServiceStub

__all__ = ["BATCH", "IN_FLIGHT", "BatchSender"]

BATCH = 1000
IN_FLIGHT = 16
_TIMEOUT = 30


class BatchSender:
    """Sends events of a tenant in batches of 1,000, with 16 batches in flight."""

    def __init__(self, tenant: Tenant) -> None:
        self._stub = TrackingServiceStub(tenant.channel)
        self._metadata = tenant.edge_metadata
        self._tenant = tenant

    async def send_all(self, events: Sequence[pb.Event], rng: random.Random) -> float:
        """Record all events that fill whole batches; return events per second."""
        requests = list(batches(events, BATCH, rng))
        return await measure_throughput(self.send, requests, len(requests) * BATCH, IN_FLIGHT)

    async def send_campaign(
        self, campaign_id: str, events: Sequence[pb.Event], rng: random.Random
    ) -> float:
        """Do the same with all events of a campaign, and check the campaign's statistics."""
        throughput = await self.send_all(events, rng)
        sent = len(events) // BATCH * BATCH
        opens = sum(event.link_number == 0 for event in events[:sent])
        stats = await self._tenant.reporter.stats.get_campaign_stats(campaign_id)
        check_recorded(stats, opens, sent - opens)
        return throughput

    async def send(self, request: pb.RecordEventsRequest) -> None:
        """Record one batch of any size."""
        response = await self._stub.RecordEvents(request, metadata=self._metadata, timeout=_TIMEOUT)
        assert response.accepted_count == len(request.events), response
