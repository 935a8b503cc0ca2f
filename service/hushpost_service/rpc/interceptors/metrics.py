"""Measures how long RPCs take, by method and status code.

Of the RPCs that record events, successful calls are sampled: their number would be that of
the events (see `hushpost_runtime/event_sampling.py`).
"""

import time
from collections.abc import AsyncIterator
from typing import Any

from prometheus_client import Histogram

from hushpost_runtime.event_sampling import is_sampled
from hushpost_service.rpc.interceptors.interceptor import Context, Stream, Unary
from hushpost_service.rpc.load_shedding import RECORDING
from hushpost_service.rpc.status import status_code

__all__ = ["MetricsInterceptor"]

_SECONDS = Histogram(
    "hushpost_rpc_seconds",
    "Duration of RPCs; successful calls that record events are sampled.",
    ["method", "code"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)


class MetricsInterceptor:
    """Observes `hushpost_rpc_seconds`. Streams are observed only when they fail."""

    def unary(self, name: str, call: Unary) -> Unary:
        """Wrap a unary RPC."""
        succeeded = _SECONDS.labels(name, "OK")
        is_recording = name in RECORDING

        async def intercepted(request: Any, context: Context) -> Any:
            start = time.perf_counter()
            try:
                response = await call(request, context)
            except Exception as error:
                _observe_failure(name, start, error)
                raise
            if not is_recording or is_sampled():
                succeeded.observe(time.perf_counter() - start)
            return response

        return intercepted

    def stream(self, name: str, call: Stream) -> Stream:
        """Wrap an RPC with a streamed response."""

        async def intercepted(request: Any, context: Context) -> AsyncIterator[Any]:
            start = time.perf_counter()
            try:
                async for response in call(request, context):
                    yield response
            except Exception as error:
                _observe_failure(name, start, error)
                raise

        return intercepted


def _observe_failure(name: str, start: float, error: Exception) -> None:
    _SECONDS.labels(name, status_code(error).name).observe(time.perf_counter() - start)
