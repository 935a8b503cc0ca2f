"""Traces with OpenTelemetry, that say nothing about who did what.

This imports OpenTelemetry, so import it only if traces are on (see `traces_setting.py`). Spans have
names and attributes of this code only: no URL, token, address, contact, campaign, tenant, nor a text of an
exception. Those about few events are rare (see `event_sampler.py`), and begin at a whole minute. Why:
docs/decisions/0023.
"""

import os
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from contextvars import ContextVar, Token
from types import TracebackType
from typing import NamedTuple, Self

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import (
    Link,
    Span,
    SpanKind,
    StatusCode,
    get_current_span,
    set_span_in_context,
)
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from hushpost_runtime.event_sampler import EVENTS, EventSampler
from hushpost_runtime.event_sampling import STEP, sampled

__all__ = ["TracePoint", "TracedWork", "Traces"]

_EXPORT_MILLISECONDS = 60_000
"""Spans wait for so long, because the time of arrival would date them. OTEL_BSP_SCHEDULE_DELAY does
not change it; 512 spans are sent at once."""

_MINUTE = 60 * 10**9
_CLOSE_SECONDS = 2.0

# Not the state, nor baggage: both are text of the client, and spans would have the first.
_PARENT = "traceparent"
_propagator = TraceContextTextMapPropagator()

Metadata = Iterable[tuple[str, str | bytes]]


class TracePoint(NamedTuple):
    """A span that other work continues, and by how much its time is moved."""

    context: Context
    shift: int


_current: ContextVar[TracePoint | None] = ContextVar("trace point", default=None)


class TracedWork:
    """Work that is being traced, or not; as a context manager, what runs inside continues it."""

    def __init__(self, span: Span, shift: int, clock: Callable[[], int]) -> None:
        self._span = span
        self._shift = shift
        self._clock = clock
        self._token: Token[TracePoint | None] | None = None
        self._is_noted = False

    def set(self, name: str, value: str | int) -> None:
        """Set an attribute, which must be from a small set of values."""
        self._span.set_attribute(name, value)

    def note(self, cause: str, *, is_fault: bool = True) -> None:
        """Note why it failed, by a name and never by a message, and whether through our fault."""
        self._is_noted = True
        self._span.set_attribute("error.type", cause)
        if is_fault:
            self._span.set_status(StatusCode.ERROR)

    def end(self) -> None:
        """End it. Only without a `with` block, which does it."""
        self._span.end(self._clock() - self._shift)

    def __enter__(self) -> Self:
        if self._span.is_recording():
            self._token = _current.set(TracePoint(set_span_in_context(self._span), self._shift))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None
    ) -> None:
        if self._token is not None:
            _current.reset(self._token)
        if kind is not None and not self._is_noted:
            self.note(kind.__name__)
        self.end()


class Traces:
    """Times calls, shipping, commits and requests.

    Args:
        provider: Where spans go. Its sampler is replaced.
        clock: Returns nanoseconds since 1970.
    """

    def __init__(self, provider: TracerProvider, clock: Callable[[], int] = time.time_ns) -> None:
        provider.sampler = EventSampler(provider.sampler)
        self._provider = provider
        self._tracer = provider.get_tracer("hushpost")
        self._clock = clock

    @classmethod
    def exporting(cls, service: str) -> Self:
        """Return traces that are sent over OTLP/HTTP, as the variables of OpenTelemetry say.

        Args:
            service: The name of the service, unless a variable has another one.
        """
        named = "OTEL_SERVICE_NAME" in os.environ or SERVICE_NAME in os.environ.get(
            "OTEL_RESOURCE_ATTRIBUTES", ""
        )
        resource = Resource.create(None if named else {SERVICE_NAME: service})
        provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        provider.add_span_processor(
            BatchSpanProcessor(OTLPSpanExporter(), schedule_delay_millis=_EXPORT_MILLISECONDS)
        )
        return cls(provider)

    def call(self, method: str, metadata: Metadata, events: int | None = None) -> TracedWork:
        """Trace an RPC that is served, as a part of the trace of its client.

        Args:
            method: The RPC.
            metadata: What the client sent with the call.
            events: How many events it is about; None if about none.
        """
        carrier = {name: value for name, value in metadata if name == _PARENT}
        parent = _propagator.extract(carrier, Context())
        attributes = {"rpc.system.name": "grpc", "rpc.method": method}
        return self._begin(method, SpanKind.SERVER, parent, events, attributes)

    def request(self, kind: str) -> TracedWork:
        """Trace an HTTP request that is about one event."""
        return self._begin(kind, SpanKind.SERVER, Context(), 1)

    def shipping(self, events: int) -> TracedWork:
        """Trace the call that ships events; `headers` has its place for the authority."""
        work = self._begin("ship events", SpanKind.CLIENT, Context(), events)
        work.set(EVENTS, sampled(events))
        return work

    def step(self, name: str) -> TracedWork:
        """Trace a part of what is being traced."""
        point = _current.get()
        return self._continue(name, () if point is None else (point,))

    def shared(self, name: str, points: Sequence[TracePoint]) -> TracedWork:
        """Trace work that several calls wait for: a part of the first, linked to the others."""
        return self._continue(name, points)

    def point(self) -> TracePoint | None:
        """Return the place of this task in a trace, if it is traced."""
        return _current.get()

    def headers(self) -> tuple[tuple[str, str], ...]:
        """Return the metadata of calls that continue the trace in another process."""
        point = _current.get()
        if point is None:
            return ()
        carrier: dict[str, str] = {}
        _propagator.inject(carrier, point.context)
        return ((_PARENT, carrier[_PARENT]),)

    def close(self) -> None:
        """Send what has not been sent, for two seconds at most."""
        # The exporter tries for longer, and cannot be limited.
        closing = threading.Thread(target=self._provider.shutdown, name="traces", daemon=True)
        closing.start()
        closing.join(_CLOSE_SECONDS)

    def _begin(
        self,
        name: str,
        kind: SpanKind,
        parent: Context,
        events: int | None,
        attributes: dict[str, str] | None = None,
    ) -> TracedWork:
        given: dict[str, str | int] = {**(attributes or {})}
        now = self._clock()
        shift = 0
        if events is not None:
            given[EVENTS] = events
            shift = now % _MINUTE if events < STEP else 0
        span = self._tracer.start_span(name, parent, kind, given, start_time=now - shift)
        return TracedWork(span, shift, self._clock)

    def _continue(self, name: str, points: Sequence[TracePoint]) -> TracedWork:
        if not points:
            return TracedWork(get_current_span(Context()), 0, self._clock)
        context, shift = points[0]
        links = [Link(get_current_span(other.context).get_span_context()) for other in points[1:]]
        span = self._tracer.start_span(name, context, links=links, start_time=self._clock() - shift)
        return TracedWork(span, shift, self._clock)
