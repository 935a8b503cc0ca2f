"""The interface of an interceptor."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Protocol

import grpc

__all__ = ["Context", "Interceptor", "Stream", "Unary"]

Context = grpc.aio.ServicerContext[Any, Any]

Unary = Callable[[Any, Context], Awaitable[Any]]
"""Serves a unary RPC: takes the request, returns the response."""

Stream = Callable[[Any, Context], AsyncIterator[Any]]
"""Serves an RPC that returns a stream of responses."""


class Interceptor(Protocol):
    """Wraps the function that serves the RPC called `name`."""

    def unary(self, name: str, call: Unary) -> Unary:
        """Wrap a unary RPC."""
        ...

    def stream(self, name: str, call: Stream) -> Stream:
        """Wrap an RPC with a streamed response."""
        ...
