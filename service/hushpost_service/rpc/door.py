"""Refuses batches, while there is no room for any, before their requests are read."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import grpc

from hushpost_service.admission import Room

__all__ = ["Doors"]

Refuse = Callable[[Any, grpc.aio.ServicerContext[Any, Any]], Awaitable[None]]


class _Door:
    """A `grpc.RpcMethodHandler` of a unary RPC that passes for a stream while there is no room.

    gRPC asks for each call whether its request is a stream. If it is not, the
    request is received and decoded before anybody sees the call, which is half
    of what refusing a batch of 1,000 events costs.
    """

    response_streaming = False
    unary_stream = stream_stream = None

    def __init__(
        self, handler: "grpc.RpcMethodHandler[Any, Any]", rooms: tuple[Room, ...], refuse: Refuse
    ) -> None:
        self.request_deserializer = handler.request_deserializer
        self.response_serializer = handler.response_serializer
        self.unary_unary = handler.unary_unary
        self.stream_unary = refuse
        self._rooms = rooms

    @property
    def request_streaming(self) -> bool:
        """Whether the call is to be refused."""
        return any(room.is_full for room in self._rooms)


class Doors:
    """A server, as the generated code wants one, that puts doors before some RPCs.

    Calls of a method that is registered wait in a queue of their own until they are
    taken. At each call gRPC looks at all queues anew (`asyncio.wait`). So only those that
    most calls are of have one; the others share one, and wait for none of these.
    """

    def __init__(
        self,
        server: grpc.aio.Server,
        queued: frozenset[str],
        doors: Mapping[str, tuple[tuple[Room, ...], Refuse]],
    ) -> None:
        """Take the names of RPCs with a queue of their own.

        `doors`: by name of such an RPC, the rooms that it needs and what refuses it.
        """
        self._server = server
        self._queued = queued
        self._doors = doors

    def add_generic_rpc_handlers(self, handlers: "Sequence[grpc.GenericRpcHandler]") -> None:
        """Add the methods of a service; those that are registered are not looked for here."""
        self._server.add_generic_rpc_handlers(handlers)

    def add_registered_method_handlers(
        self, service: str, handlers: "Mapping[str, grpc.RpcMethodHandler[Any, Any]]"
    ) -> None:
        """Register those methods of a service that have a queue of their own."""
        behind: dict[str, Any] = {
            name: _Door(handler, *self._doors[name]) if name in self._doors else handler
            for name, handler in handlers.items()
            if name in self._queued
        }
        self._server.add_registered_method_handlers(service, behind)
