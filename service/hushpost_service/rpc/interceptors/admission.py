"""Rejects calls during shutdown and over the concurrency limits."""

from collections.abc import AsyncIterator
from typing import Any

from hushpost_service.graceful_shutdown import GracefulShutdown
from hushpost_service.rpc.interceptors.interceptor import Context, Stream, Unary
from hushpost_service.rpc.load_shedding import ConcurrencyLimits

__all__ = ["AdmissionInterceptor"]


class AdmissionInterceptor:
    """Counts calls in progress; rejects new ones with SHUTTING_DOWN or OVERLOADED."""

    def __init__(self, shutdown: GracefulShutdown, limits: ConcurrencyLimits) -> None:
        self._shutdown = shutdown
        self._limits = limits

    def unary(self, name: str, call: Unary) -> Unary:
        """Wrap a unary RPC."""
        shutdown, limit = self._shutdown, self._limits.of_rpc(name)

        async def intercepted(request: Any, context: Context) -> Any:
            with shutdown, limit:
                return await call(request, context)

        return intercepted

    def stream(self, name: str, call: Stream) -> Stream:
        """Wrap an RPC with a streamed response."""
        shutdown, limit = self._shutdown, self._limits.of_rpc(name)

        async def intercepted(request: Any, context: Context) -> AsyncIterator[Any]:
            with shutdown, limit:
                async for response in call(request, context):
                    yield response

        return intercepted
