"""Registers services with their methods wrapped in interceptors."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, cast

import grpc

from hushpost_service.rpc.interceptors.interceptor import Interceptor, Stream, Unary
from hushpost_service.rpc.load_shedding import ConcurrencyLimit, SheddingHandler

__all__ = ["InterceptedServer"]

Handler = grpc.RpcMethodHandler


class InterceptedServer:
    """Wraps the methods of services in interceptors, and adds them to a server.

    Pass it to the generated `add_…Servicer_to_server` functions instead of the server.

    A method that is registered with gRPC has a queue of its own, and gRPC looks
    through all queues at every call (`asyncio.wait`). So only the methods named in
    `frequent` get one; the others share the generic queue.
    """

    def __init__(
        self,
        server: grpc.aio.Server,
        *,
        interceptors: Sequence[Interceptor] = (),
        frequent: Collection[str] = (),
        shed: Mapping[str, tuple[ConcurrencyLimit, ...]] | None = None,
    ) -> None:
        """Wrap a server.

        Args:
            server: The server that the methods are added to.
            interceptors: From the outermost to the innermost.
            frequent: Names of the most frequent RPCs.
            shed: Frequent unary RPCs, with their limits. While a limit is reached, calls
                are rejected before their request is decoded.
        """
        self._server = server
        self._interceptors = interceptors
        self._frequent = frequent
        self._shed = shed or {}

    def add_generic_rpc_handlers(self, handlers: Sequence[grpc.GenericRpcHandler]) -> None:
        """Ignore the generic handlers; `add_registered_method_handlers` gets the same methods."""

    def add_registered_method_handlers(
        self, service: str, handlers: "Mapping[str, Handler[Any, Any]]"
    ) -> None:
        """Add the methods of a service."""
        wrapped = {name: self._wrapped(name, handler) for name, handler in handlers.items()}
        self._server.add_generic_rpc_handlers(
            (grpc.method_handlers_generic_handler(service, wrapped),)
        )
        # Calls of a registered method never reach the generic handlers.
        registered: dict[str, Any] = {
            name: self._shedding(name, handler) if name in self._shed else handler
            for name, handler in wrapped.items()
            if name in self._frequent
        }
        self._server.add_registered_method_handlers(service, registered)

    def _wrapped(self, name: str, handler: "Handler[Any, Any]") -> "Handler[Any, Any]":
        if not self._interceptors:
            return handler
        codecs = (handler.request_deserializer, handler.response_serializer)
        if handler.response_streaming:
            return grpc.unary_stream_rpc_method_handler(
                self._intercepted_stream(name, cast(Stream, handler.unary_stream)), *codecs
            )
        return grpc.unary_unary_rpc_method_handler(
            self._intercepted_unary(name, cast(Unary, handler.unary_unary)), *codecs
        )

    def _intercepted_unary(self, name: str, call: Unary) -> Unary:
        for interceptor in reversed(self._interceptors):
            call = interceptor.unary(name, call)
        return call

    def _intercepted_stream(self, name: str, call: Stream) -> Stream:
        for interceptor in reversed(self._interceptors):
            call = interceptor.stream(name, call)
        return call

    def _shedding(self, name: str, handler: "Handler[Any, Any]") -> SheddingHandler:
        limits = self._shed[name]

        async def reject(_requests: Any, _context: Any) -> None:
            # The limit may no longer be reached when the call gets here.
            raise next((limit for limit in limits if limit.is_reached), limits[0]).error()

        return SheddingHandler(handler, limits, self._intercepted_unary(name, reject))
