"""Gives a deadline to calls that have none."""

import asyncio
from typing import Any

from hushpost_service.domain.errors import HushpostError, Reason
from hushpost_service.rpc.interceptors.interceptor import Context, Stream, Unary

__all__ = ["DeadlineInterceptor"]

_SECONDS = 60.0


class DeadlineInterceptor:
    """Ends unary calls without a deadline after a time, with DEADLINE_EXCEEDED.

    gRPC itself ends calls at the deadline that their client has set. Streams have no end.
    """

    def __init__(self, seconds: float = _SECONDS) -> None:
        self._seconds = seconds

    def unary(self, _: str, call: Unary) -> Unary:
        """Wrap a unary RPC."""

        async def intercepted(request: Any, context: Context) -> Any:
            if context.time_remaining() is not None:
                return await call(request, context)
            limit = asyncio.timeout(self._seconds)
            try:
                async with limit:
                    return await call(request, context)
            except TimeoutError:
                if not limit.expired():
                    raise
                raise HushpostError(
                    Reason.DEADLINE_EXCEEDED,
                    f"the call took longer than {self._seconds:g} seconds",
                ) from None

        return intercepted

    def stream(self, _: str, call: Stream) -> Stream:
        """Leave an RPC with a streamed response as it is."""
        return call
