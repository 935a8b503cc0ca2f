"""Traces RPCs with OpenTelemetry, on both transports.

Comes after authentication, so that a caller without a key causes no spans. OpenTelemetry's own interceptor
for `grpc.aio` breaks streams that are written by `context.write`, and its spans have the address and
program of the client and the texts of exceptions.
"""

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

import grpc

from hushpost.v1.tracking_pb2 import RecordEventsRequest
from hushpost_runtime.call_id import call_id
from hushpost_service.domain.errors import HushpostError, Reason
from hushpost_service.rpc.interceptors.interceptor import Context, Stream, Unary
from hushpost_service.rpc.load_shedding import RECORDING
from hushpost_service.rpc.status import status_code

if TYPE_CHECKING:
    from hushpost_runtime.traces import TracedWork, Traces

__all__ = ["TracingInterceptor"]

_ABOUT_EVENTS = RECORDING | {"ResolveLink"}
"""RPCs that events cause. An edge resolves a link when it is clicked for the first time."""

_FAULTS = frozenset(
    (
        grpc.StatusCode.UNKNOWN,
        grpc.StatusCode.DEADLINE_EXCEEDED,
        grpc.StatusCode.UNIMPLEMENTED,
        grpc.StatusCode.INTERNAL,
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.DATA_LOSS,
    )
)
"""Statuses that are errors of the server (OpenTelemetry's conventions for gRPC)."""

_STATUS = "rpc.response.status_code"


class TracingInterceptor:
    """Traces the RPCs that are about events, or all others; streams are never about events.

    Where the RPCs are about events, it must come after the request has been decoded: how many there are
    decides whether a call is traced.
    """

    def __init__(self, traces: "Traces", *, about_events: bool) -> None:
        self._traces = traces
        self._about_events = about_events

    def unary(self, name: str, call: Unary) -> Unary:
        """Wrap a unary RPC."""
        if (name in _ABOUT_EVENTS) is not self._about_events:
            return call

        async def intercepted(request: Any, context: Context) -> Any:
            events = _event_count(request) if self._about_events else None
            metadata = context.invocation_metadata() or ()
            with self._traces.call(name, metadata, events) as work:
                try:
                    response = await call(request, context)
                except Exception as error:
                    if not self._about_events and (failed := _call_id(error)) is not None:
                        work.set("hushpost.call_id", failed)
                    _note(work, error)
                    raise
                work.set(_STATUS, grpc.StatusCode.OK.name)
                return response

        return intercepted

    def stream(self, name: str, call: Stream) -> Stream:
        """Wrap an RPC with a streamed response; its span lasts as long as the stream."""

        async def intercepted(request: Any, context: Context) -> AsyncIterator[Any]:
            work = self._traces.call(name, context.invocation_metadata() or ())
            try:
                async for response in call(request, context):
                    yield response
            except Exception as error:
                _note(work, error)
                raise
            finally:
                work.end()

        return intercepted


def _event_count(request: Any) -> int:
    return len(request.events) if isinstance(request, RecordEventsRequest) else 1


def _call_id(error: Exception) -> str | None:
    return getattr(error, "call_id", None) or call_id()


def _note(work: "TracedWork", error: Exception) -> None:
    code = status_code(error)
    reason = error.reason if isinstance(error, HushpostError) else Reason.INTERNAL
    work.set(_STATUS, code.name)
    work.note(reason, is_fault=code in _FAULTS)
