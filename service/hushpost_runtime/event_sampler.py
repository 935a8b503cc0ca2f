"""Samples traces of events, so that a single event almost never causes a span.

A span says that something happened, and when. Of a call that is about a single event, the span is
that event. So, as in metrics (see `event_sampling.py`), each event counts with a probability of 1 in
256: a call about n events is traced with a probability of 1 - (255/256)^n.

The decision is computed from the trace id, which is random. The edge and the authority thus agree
about a batch without having to trust each other.
"""

from collections.abc import Sequence

from opentelemetry.context import Context
from opentelemetry.sdk.trace.sampling import Decision, Sampler, SamplingResult
from opentelemetry.trace import Link, SpanKind, TraceState
from opentelemetry.util.types import Attributes

from hushpost_runtime.event_sampling import STEP

__all__ = ["EVENTS", "EventSampler"]

EVENTS = "hushpost.events"
"""The attribute that tells the sampler how many events a span is about. It is removed."""

_RANDOM_BITS = 56
"""W3C Trace Context, level 2: at least the 7 bytes on the right of a trace id are random."""

_RANGE = 1 << _RANDOM_BITS


class EventSampler(Sampler):
    """Drops most spans that are about few events, and asks another sampler about all others."""

    def __init__(self, others: Sampler) -> None:
        self._others = others

    def should_sample(
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,
        trace_state: TraceState | None = None,
    ) -> SamplingResult:
        """Decide about a new span."""
        kept = dict(attributes or {})
        events = kept.pop(EVENTS, None)
        if isinstance(events, int) and trace_id % _RANGE >= _bound(events):
            return SamplingResult(Decision.DROP)
        return self._others.should_sample(
            parent_context, trace_id, name, kind, kept, links, trace_state
        )

    def get_description(self) -> str:
        """Return what the sampler does, for its logs."""
        return f"EventSampler({self._others.get_description()})"


def _bound(events: int) -> int:
    """Return below which number the random bits of a trace about so many events are."""
    return round((1 - (1 - 1 / STEP) ** events) * _RANGE)
