"""Batches that are made beforehand, for a generator that must be faster than the authority."""

import itertools
import random
from collections.abc import Awaitable, Callable, Iterator, Sequence

from bench.scenario import batches, engagement, request_id
from bench.tenant import Tenant
from hushpost.v1 import tracking_pb2 as pb

__all__ = ["BATCH", "Prepared"]

BATCH = 1000
_METHOD = "/hushpost.v1.TrackingService/RecordEvents"
_TIMEOUT = 20


class Prepared:
    """Sends bytes of events, which repeat, each time with a request id of their own.

    Two concatenated protobuf messages are one message: nothing is encoded anew.
    """

    def __init__(self, tenant: Tenant, tokens: Sequence[str], rng: random.Random) -> None:
        self._call: Callable[..., Awaitable[bytes]] = tenant.channel.unary_unary(_METHOD)
        self._metadata = tenant.edge
        self._rng = rng
        self._events = [
            pb.RecordEventsRequest(events=batch.events).SerializeToString()
            for batch in batches(engagement(tokens, rng), BATCH, rng)
        ]

    def batches(self, count: int) -> Iterator[bytes]:
        """Yield so many batches."""
        for events in itertools.islice(itertools.cycle(self._events), count):
            identity = pb.RecordEventsRequest(request_id=request_id(self._rng))
            yield events + identity.SerializeToString()

    async def record(self, batch: bytes) -> None:
        """Record a batch."""
        answer = await self._call(batch, metadata=self._metadata, timeout=_TIMEOUT)
        assert pb.RecordEventsResponse.FromString(answer).accepted_count == BATCH
