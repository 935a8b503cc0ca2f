"""The health service: whether the authority can serve calls. It needs no API key."""

import asyncio
from typing import Any

import grpc
from google.protobuf.message import DecodeError
from grpc_health.v1 import health_pb2
from grpc_health.v1.health import aio as health_aio
from prometheus_client import Gauge

from hushpost_service.rpc.interceptors.interceptor import Context
from hushpost_service.rpc.transport import Transport

__all__ = ["Health"]

_SERVICE = health_pb2.DESCRIPTOR.services_by_name["Health"].full_name
_RECEIVING = 3
"""Requests received at once: gRPC may buffer up to the largest message for each."""

_RECEIVE_SECONDS = 1.0
_WATCHERS = 100
_WHOLE_SERVER = health_pb2.HealthCheckRequest().SerializeToString()

_READY = Gauge("hushpost_ready", "1 while the authority is SERVING, 0 while it is not.")

_LIVENESS = "liveness"
"""Always SERVING: an answer shows that the process is not stuck. A restart cures that, but
not a lost database."""


class Health:
    """Reports one status for the whole server and for each of its services.

    Callers need no key, so that what they can make the server hold is limited. Requests
    that exceed a limit are not read, and get the status of the whole server.
    """

    def __init__(self, names: tuple[str, ...]) -> None:
        """Report a status for each of the services `names`."""
        self._servicer = health_aio.HealthServicer()
        self._names = ("", *names)
        self._receiving = 0
        self._watchers = 0

    async def set_serving(self, *, serving: bool) -> None:
        """Set the status to SERVING or NOT_SERVING."""
        _READY.set(serving)
        states = health_pb2.HealthCheckResponse
        state = states.SERVING if serving else states.NOT_SERVING
        for name in self._names:
            await self._servicer.set(name, state)
        await self._servicer.set(_LIVENESS, states.SERVING)

    def add_to(self, server: Transport) -> None:
        """Add the service to a server."""
        encode = health_pb2.HealthCheckResponse.SerializeToString
        handlers: dict[str, Any] = {
            "Check": grpc.stream_unary_rpc_method_handler(self._check, None, encode),
            "Watch": grpc.stream_stream_rpc_method_handler(self._watch, None, encode),
        }
        server.add_methods(_SERVICE, handlers)

    async def _check(self, request: Any, context: Context) -> Any:
        return await self._servicer.Check(await self._request(request, context), context)

    async def _watch(self, request: Any, context: Context) -> None:
        if self._watchers >= _WATCHERS:
            await context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "too many watchers")
        self._watchers += 1
        try:
            await self._servicer.Watch(await self._request(request, context), context)
        finally:
            self._watchers -= 1

    async def _request(self, request: Any, context: Context) -> health_pb2.HealthCheckRequest:
        """Receive the request; return one for the whole server if that exceeds a limit."""
        message = request if type(request) is bytes else await self._received(context)
        try:
            return health_pb2.HealthCheckRequest.FromString(message)
        except DecodeError:
            await context.abort(
                grpc.StatusCode.INVALID_ARGUMENT, "the request is not a HealthCheckRequest"
            )
            raise

    async def _received(self, context: Context) -> bytes:
        """Receive the message; return that of the whole server if it exceeds a limit."""
        if self._receiving >= _RECEIVING:
            return _WHOLE_SERVER
        self._receiving += 1
        try:
            async with asyncio.timeout(_RECEIVE_SECONDS):
                message: Any = await context.read()
        except TimeoutError:
            return _WHOLE_SERVER
        finally:
            self._receiving -= 1
        return _WHOLE_SERVER if message is grpc.aio.EOF else bytes(message)
