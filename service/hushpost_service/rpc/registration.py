"""Registers services with their methods wrapped in interceptors."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import aclosing
from typing import Any, cast

import grpc

from hushpost_service.rpc.call_acceptor import cancel_call
from hushpost_service.rpc.interceptors.admission import AdmissionInterceptor
from hushpost_service.rpc.interceptors.interceptor import Context, Interceptor, Stream, Unary
from hushpost_service.rpc.receiving import RequestReader
from hushpost_service.rpc.transport import Handler, Transport

__all__ = ["InterceptedServer"]

_WRITE_SECONDS = 60.0
"""A stream ends if its client reads nothing for so long."""


class InterceptedServer:
    """Wraps the methods of services in interceptors, and adds them to a server.

    Pass it to the generated `add_…Servicer_to_server` functions instead of the server.

    Streams may yield serialized responses, so that many streams share them.
    """

    def __init__(
        self,
        server: Transport,
        *,
        interceptors: Sequence[Interceptor],
        admission: AdmissionInterceptor,
        reader: RequestReader,
        received: Interceptor | None = None,
        frequent: Collection[str] = (),
        write_seconds: float = _WRITE_SECONDS,
    ) -> None:
        """Wrap a server.

        Args:
            server: The server that the methods are added to.
            interceptors: From the outermost to the innermost; they run before the request
                of a call is received.
            admission: Runs when the request of a unary call has been received.
            reader: Receives the requests of unary RPCs.
            received: Runs when the request of a unary call has been received, before admission.
            frequent: Names of the most frequent RPCs.
            write_seconds: How long a client may leave a response of a stream unread.
        """
        self._server = server
        self._interceptors = interceptors
        self._admission = admission
        self._reader = reader
        self._received = received
        self._frequent = frequent
        self._write_seconds = write_seconds

    def add_generic_rpc_handlers(self, handlers: Sequence[grpc.GenericRpcHandler]) -> None:
        """Ignore the generic handlers; `add_registered_method_handlers` gets the same methods."""

    def add_registered_method_handlers(
        self, service: str, handlers: "Mapping[str, Handler[Any, Any]]"
    ) -> None:
        """Add the methods of a service."""
        wrapped = {name: self._wrapped(name, handler) for name, handler in handlers.items()}
        self._server.add_methods(service, wrapped, self._frequent)

    def _wrapped(self, name: str, handler: "Handler[Any, Any]") -> "Handler[Any, Any]":
        decode: Any = handler.request_deserializer
        encode: Any = handler.response_serializer
        if handler.unary_unary is not None:
            call = self._admission.unary(name, cast(Unary, handler.unary_unary))
            if self._received is not None:
                call = self._received.unary(name, call)
            unary = self._reader.of_rpc(name, decode, call, self._admission.check)
            for interceptor in reversed(self._interceptors):
                unary = interceptor.unary(name, unary)
            return grpc.stream_unary_rpc_method_handler(unary, None, encode)
        if handler.unary_stream is not None:
            stream = self._reader.of_stream(name, decode, cast(Stream, handler.unary_stream))
        else:
            stream = cast(Stream, handler.stream_stream)  # takes an iterator of requests
        for interceptor in reversed((*self._interceptors, self._admission)):
            stream = interceptor.stream(name, stream)
        # Requests of a stream of requests are decoded by gRPC; others in the reader.
        deserializer = decode if handler.request_streaming else None
        return grpc.stream_stream_rpc_method_handler(
            self._written(stream),
            deserializer,
            lambda response: response if isinstance(response, bytes) else encode(response),
        )

    def _written(self, stream: Stream) -> Callable[[Any, Context], Awaitable[None]]:
        """Return a function that writes the responses of a stream, each within a time limit.

        gRPC cannot send a status while a write is pending, so a stream that exceeds the limit is
        cancelled without a reason.
        """

        async def written(request: Any, context: Context) -> None:
            async with aclosing(stream(request, context)) as responses:  # type: ignore[type-var] # a generator
                async for response in responses:
                    try:
                        async with asyncio.timeout(self._write_seconds):
                            await context.write(response)
                    except TimeoutError:
                        cancel_call()
                        raise asyncio.CancelledError from None

        return written
