"""Receives traces over OTLP/HTTP, as a collector does, and keeps what it was sent."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

__all__ = ["Collector", "ExportedSpan", "collecting", "traceparent"]


@dataclass(frozen=True)
class ExportedSpan:
    """A span; times are in nanoseconds since 1970, ids in hex."""

    service: str
    name: str
    trace_id: str
    span_id: str
    parent_id: str
    links: tuple[str, ...]
    start: int
    end: int
    attributes: dict[str, Any]
    is_error: bool


@dataclass
class Collector:
    """A collector; `payloads` are the bodies of the requests that it received."""

    port: int
    payloads: list[bytes] = field(default_factory=list)

    @property
    def environment(self) -> dict[str, str]:
        """The variables with which a process sends its traces here."""
        return {
            "OTEL_TRACES_EXPORTER": "otlp",
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{self.port}",
        }

    def spans(self, name: str | None = None) -> list[ExportedSpan]:
        """Return all spans, or those with a name."""
        found = [span for payload in self.payloads for span in _spans(payload)]
        return [span for span in found if name in {None, span.name}]

    def trace(self, trace_id: str) -> dict[str, ExportedSpan]:
        """Return the spans of a trace by name."""
        return {span.name: span for span in self.spans() if span.trace_id == trace_id}


@contextmanager
def collecting() -> Iterator[Collector]:
    """Run a collector on a free port."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            collector.payloads.append(self.rfile.read(int(self.headers["content-length"])))
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        collector = Collector(server.server_address[1])
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield collector
        finally:
            server.shutdown()
            thread.join()


def traceparent(trace_id: str) -> tuple[str, str]:
    """Return the header of a client that traces its call."""
    return ("traceparent", f"00-{trace_id}-{1:016x}-01")


def _spans(payload: bytes) -> Iterator[ExportedSpan]:
    for resource in ExportTraceServiceRequest.FromString(payload).resource_spans:
        of_process = {item.key: _value(item.value) for item in resource.resource.attributes}
        for scope in resource.scope_spans:
            for span in scope.spans:
                yield ExportedSpan(
                    of_process["service.name"],
                    span.name,
                    span.trace_id.hex(),
                    span.span_id.hex(),
                    span.parent_span_id.hex(),
                    tuple(link.span_id.hex() for link in span.links),
                    span.start_time_unix_nano,
                    span.end_time_unix_nano,
                    {item.key: _value(item.value) for item in span.attributes},
                    span.status.code == span.status.STATUS_CODE_ERROR,
                )


def _value(value: Any) -> Any:
    return getattr(value, value.WhichOneof("value"))
