"""Counts RPCs by status code and by reason of failure, and measures how long they take.

Of the RPCs that record events, calls that succeed or are cancelled are sampled: their number
would be that of the events (see `hushpost_runtime/event_sampling.py`).
"""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import grpc
from prometheus_client import Counter, Gauge, Histogram

from hushpost_runtime.event_sampling import STEP, is_sampled
from hushpost_service.domain.errors import HushpostError, Reason
from hushpost_service.rpc.interceptors.interceptor import Context, Stream, Unary
from hushpost_service.rpc.load_shedding import RECORDING
from hushpost_service.rpc.status import status_code

__all__ = ["MetricsInterceptor", "observe_failure"]

_CALLS = Counter(
    "hushpost_rpc_calls_total",
    "RPCs that have ended, by status code; those that may have recorded events are sampled.",
    ["method", "code"],
)
_ERRORS = Counter(
    "hushpost_rpc_errors_total", "RPCs that have failed, by reason.", ["method", "reason"]
)
_SECONDS = Histogram(
    "hushpost_rpc_seconds",
    "Duration of RPCs; those that may have recorded events are sampled.",
    ["method", "code"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
_OPEN_STREAMS = Gauge("hushpost_open_streams", "Streams that are open.", ["method"])

_EXPECTED = (Reason.INTERNAL, Reason.DATABASE_UNAVAILABLE, Reason.OVERLOADED)
"""Reasons whose series exist from the start, so that `rate` sees the first failure."""

_OK, _CANCELLED = grpc.StatusCode.OK.name, grpc.StatusCode.CANCELLED.name


class MetricsInterceptor:
    """Observes RPCs. The duration of a stream is observed only if it fails."""

    def unary(self, name: str, call: Unary) -> Unary:
        """Wrap a unary RPC."""
        calls, seconds = _CALLS.labels(name, _OK), _SECONDS.labels(name, _OK)
        _prepare(name)
        is_recording = name in RECORDING

        async def intercepted(request: Any, context: Context) -> Any:
            start = time.perf_counter()
            try:
                response = await call(request, context)
            except asyncio.CancelledError:
                # Its events may have been recorded all the same.
                if not is_recording or is_sampled():
                    _count(name, _CANCELLED, STEP if is_recording else 1)
                    _SECONDS.labels(name, _CANCELLED).observe(time.perf_counter() - start)
                raise
            except Exception as error:
                observe_failure(name, start, error)
                raise
            if not is_recording:
                calls.inc()
                seconds.observe(time.perf_counter() - start)
            elif is_sampled():
                calls.inc(STEP)
                seconds.observe(time.perf_counter() - start)
            return response

        return intercepted

    def stream(self, name: str, call: Stream) -> Stream:
        """Wrap an RPC with a streamed response."""
        streams = _OPEN_STREAMS.labels(name)
        _prepare(name)

        async def intercepted(request: Any, context: Context) -> AsyncIterator[Any]:
            start = time.perf_counter()
            streams.inc()
            try:
                async for response in call(request, context):
                    yield response
            except (asyncio.CancelledError, GeneratorExit):
                _count(name, _CANCELLED)
                raise
            except Exception as error:
                observe_failure(name, start, error)
                raise
            else:
                _count(name, _OK)
            finally:
                streams.dec()

        return intercepted


def _prepare(name: str) -> None:
    for reason in _EXPECTED:
        _ERRORS.labels(name, reason)


def _count(name: str, code: str, calls: int = 1) -> None:
    _CALLS.labels(name, code).inc(calls)


def observe_failure(name: str, start: float, error: Exception) -> None:
    """Observe an RPC that began at `start`, by `time.perf_counter`, and has failed."""
    code = status_code(error).name
    reason = error.reason if isinstance(error, HushpostError) else Reason.INTERNAL
    _count(name, code)
    _ERRORS.labels(name, reason).inc()
    _SECONDS.labels(name, code).observe(time.perf_counter() - start)
