"""Rejects calls during shutdown and over the concurrency limits."""

from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any

from hushpost_service.domain.errors import HushpostError, Reason
from hushpost_service.graceful_shutdown import GracefulShutdown
from hushpost_service.rpc.interceptors.authentication import current_caller
from hushpost_service.rpc.interceptors.interceptor import Context, Stream, Unary
from hushpost_service.rpc.load_shedding import ConcurrencyLimits

__all__ = ["AdmissionInterceptor"]

_STREAMS_PER_KEY = 200


class AdmissionInterceptor:
    """Counts calls in progress; rejects new ones with SHUTTING_DOWN or OVERLOADED.

    Unary calls count once their request has been received, so that a caller that does not
    send its requests takes no place of others. `check` rejects a batch before it is received, or
    before it is decoded.
    """

    def __init__(self, shutdown: GracefulShutdown, limits: ConcurrencyLimits) -> None:
        self._shutdown = shutdown
        self._limits = limits
        self._streams: Counter[str] = Counter()

    def unary(self, name: str, call: Unary) -> Unary:
        """Wrap a unary RPC."""
        shutdown, limit = self._shutdown, self._limits.of_rpc(name)

        async def intercepted(request: Any, context: Context) -> Any:
            with shutdown, limit:
                return await call(request, context)

        return intercepted

    def check(self, name: str) -> None:
        """Raise the error that a call of a unary RPC would get now, if any."""
        limits = [self._limits.of_rpc(name)]
        if name == "RecordEvents":
            limits.append(self._limits.events)
        with self._shutdown:
            for limit in limits:
                if limit.is_reached:
                    raise limit.error()

    def stream(self, name: str, call: Stream) -> Stream:
        """Wrap an RPC with a streamed response."""
        shutdown, limit = self._shutdown, self._limits.of_rpc(name)

        async def intercepted(request: Any, context: Context) -> AsyncIterator[Any]:
            with shutdown, limit, self._stream_of_key():
                async for response in call(request, context):
                    yield response

        return intercepted

    @contextmanager
    def _stream_of_key(self) -> Iterator[None]:
        key = current_caller().actor
        if self._streams[key] >= _STREAMS_PER_KEY:
            raise HushpostError(
                Reason.OVERLOADED, f"the API key has {_STREAMS_PER_KEY} open streams already"
            )
        self._streams[key] += 1
        try:
            yield
        finally:
            self._streams[key] -= 1
            if not self._streams[key]:
                del self._streams[key]
