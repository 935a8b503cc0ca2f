"""`RecordEvents` batches encoded in advance, for a load generator that outruns the authority."""

import random
from collections.abc import Sequence

from bench.load.call_load_process import Calls
from bench.load.event_batches import BATCH
from bench.scenario import batches, engagement
from bench.tenant import Tenant
from hushpost.v1 import tracking_pb2 as pb

__all__ = ["PreparedBatches"]

_METHOD = "/hushpost.v1.TrackingService/RecordEvents"
_TIMEOUT = 20


class PreparedBatches:
    """Repeats encoded events, with a new request id for each batch.

    Args:
        target: Address of the authority.
        tenant: Sends as an edge of this tenant.
        tokens: One per message of a campaign.
        rng: Decides who opens and clicks.
    """

    def __init__(
        self, target: str, tenant: Tenant, tokens: Sequence[str], rng: random.Random
    ) -> None:
        self._target = target
        self._authorization = tenant.edge_authorization
        self._encoded_events = [
            pb.RecordEventsRequest(events=batch.events).SerializeToString()
            for batch in batches(engagement(tokens, rng), BATCH, rng)
        ]

    def take(self, count: int) -> Calls:
        """Return calls for `count` batches."""
        return Calls(
            self._target,
            _METHOD,
            self._authorization,
            self._encoded_events,
            count,
            request_id_field=pb.RecordEventsRequest.REQUEST_ID_FIELD_NUMBER,
            expected=pb.RecordEventsResponse(accepted_count=BATCH).SerializeToString(),
            timeout=_TIMEOUT,
        )
