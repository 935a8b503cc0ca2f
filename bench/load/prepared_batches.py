"""`RecordEvents` batches encoded in advance, for a load generator that outruns the authority."""

import itertools
import random
from collections.abc import Awaitable, Callable, Iterator, Sequence

from bench.load.event_batches import BATCH
from bench.scenario import batches, engagement, request_id
from bench.tenant import Tenant
from hushpost.v1 import tracking_pb2 as pb

__all__ = ["PreparedBatches"]

_METHOD = "/hushpost.v1.TrackingService/RecordEvents"
_TIMEOUT = 20


class PreparedBatches:
    """Repeats encoded events, with a new request id for each batch.

    The concatenation of two encoded protobuf messages is their merge, so that
    appending an encoded `request_id` is all that is left to do per batch.
    """

    def __init__(self, tenant: Tenant, tokens: Sequence[str], rng: random.Random) -> None:
        self._call: Callable[..., Awaitable[bytes]] = tenant.channel.unary_unary(_METHOD)
        self._metadata = tenant.edge_metadata
        self._rng = rng
        self._encoded_events = [
            pb.RecordEventsRequest(events=batch.events).SerializeToString()
            for batch in batches(engagement(tokens, rng), BATCH, rng)
        ]

    def take(self, count: int) -> Iterator[bytes]:
        """Yield `count` encoded requests."""
        for events in itertools.islice(itertools.cycle(self._encoded_events), count):
            request = pb.RecordEventsRequest(request_id=request_id(self._rng))
            yield events + request.SerializeToString()

    async def send(self, request: bytes) -> None:
        """Record one batch."""
        response = await self._call(request, metadata=self._metadata, timeout=_TIMEOUT)
        assert pb.RecordEventsResponse.FromString(response).accepted_count == BATCH
