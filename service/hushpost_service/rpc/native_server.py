"""Serves single calls over HTTP/2 in Rust, outside the GIL, and all other RPCs with gRPC's server.

gRPC's server spends most of the CPU time of a small call. `pygrpc-native` receives calls in
threads of its own and passes them to the event loop in batches. It receives a request of any size
before it asks for the API key, so only trusted clients may reach it (docs/decisions/0020).

RPCs with a batch and streams need what only gRPC's server has: their key is checked before
their request is received. The front forwards them, and calls of unknown methods, to a
`CallServer` on a Unix socket. So a method is served by one of the two, whichever the client.
"""

import asyncio
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from tempfile import TemporaryDirectory
from typing import Any, NoReturn

import grpc
import structlog
from pygrpc_native import EVENT_CANCEL, NativeGrpcFront

from hushpost_runtime.call_id import call_id, new_call_id
from hushpost_service.domain.errors import HushpostError, Reason
from hushpost_service.rpc.call_acceptor import CallServer
from hushpost_service.rpc.receiving import BATCHES
from hushpost_service.rpc.status import trailing_metadata
from hushpost_service.rpc.transport import Handler

__all__ = ["NativeServer"]

_log = structlog.get_logger(__name__)

Metadata = Sequence[tuple[str, str | bytes]]

_MAX_EVENTS = 64
"""Calls that are passed to the event loop at once."""

_MAX_STREAMS = 1_000
_KEEPALIVE_MS = 60_000
_FLUSH_SECONDS = 0.1
"""Time for writing the last responses: closing drops what is not on the connection yet."""
_CANCELLED = grpc.StatusCode.CANCELLED.value[0]
_INTERNAL = grpc.StatusCode.INTERNAL.value[0]


class NativeServer:
    """A transport that serves unary RPCs without a batch natively, others by a `CallServer`."""

    def __init__(self, others: CallServer, *, shares_addresses: bool) -> None:
        """`others` serves the RPCs that are not served natively.

        `shares_addresses` lets other processes listen on the same address.
        """
        self._others = others
        self._shares_addresses = shares_addresses
        self._methods: list[_Method] = []
        self._front: NativeGrpcFront | None = None
        self._folder = TemporaryDirectory(prefix="hushpost-")  # mode 0700
        self._socket = f"{self._folder.name}/grpc.sock"
        self._calls: dict[int, asyncio.Task[None]] = {}
        self._dispatcher: threading.Thread | None = None

    def add_methods(
        self,
        service: str,
        handlers: "Mapping[str, Handler[Any, Any]]",
        frequent: Collection[str] = (),
    ) -> None:
        """Add the methods of a service by name."""
        others = {}
        for name, handler in handlers.items():
            # Unary RPCs are registered as RPCs that take a stream: see `receiving`.
            if handler.stream_unary is None or name in BATCHES:
                others[name] = handler
            else:
                encode: Any = handler.response_serializer
                self._methods.append(_Method(f"/{service}/{name}", handler.stream_unary, encode))
        self._others.add_methods(service, others, frequent)

    def add_insecure_port(self, address: str) -> int:
        """Bind an address; return the port. Raises RuntimeError."""
        try:
            self._front = NativeGrpcFront(
                address,
                [(method.path, False) for method in self._methods],
                io_threads=1,
                call_details=True,
                keepalive_time_ms=_KEEPALIVE_MS,
                keepalive_timeout_ms=_KEEPALIVE_MS,
                max_concurrent_streams=_MAX_STREAMS,
                reuse_port=self._shares_addresses,
            )
        except OSError as error:
            raise RuntimeError(error.strerror or str(error)) from None
        self._others.add_insecure_port(f"unix:{self._socket}")
        return self._front.bound_port

    async def start(self) -> None:
        """Start to accept calls."""
        front, loop = self._bound(), asyncio.get_running_loop()
        await self._others.start()
        front.set_fallback(self._socket)
        front.start()

        def dispatch() -> None:
            while (events := front.recv_batch_details(_MAX_EVENTS)) is not None:
                loop.call_soon_threadsafe(self._on_events, events)

        self._dispatcher = threading.Thread(target=dispatch, name="dispatch calls", daemon=True)
        self._dispatcher.start()

    async def stop(self, grace: float | None) -> None:
        """Let calls in progress finish for `grace` seconds, then end them as UNAVAILABLE."""
        front, calls = self._bound(), list(self._calls.values())
        await asyncio.gather(
            self._others.stop(grace), *([asyncio.wait(calls, timeout=grace)] if calls else [])
        )
        await asyncio.sleep(_FLUSH_SECONDS)
        await asyncio.to_thread(front.close)
        if self._dispatcher is not None:
            await asyncio.to_thread(self._dispatcher.join)
        calls = list(self._calls.values())
        for call in calls:
            call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)
        self._folder.cleanup()

    def _bound(self) -> NativeGrpcFront:
        if self._front is None:
            raise RuntimeError("the server has no address")
        return self._front

    def _on_events(self, events: Sequence[tuple[Any, ...]]) -> None:
        loop = asyncio.get_running_loop()
        for kind, number, method, message, _, details in events:
            if kind == EVENT_CANCEL:
                # The client has gone away, or the deadline has passed.
                if (call := self._calls.get(number)) is not None:
                    call.cancel()
                continue
            work = self._serve(number, self._methods[method], message, _Context(*details))
            self._calls[number] = loop.create_task(work)

    async def _serve(
        self, number: int, method: "_Method", message: bytes, context: "_Context"
    ) -> None:
        front = self._bound()
        try:
            response = await method.call(message, context)
            front.respond(number, method.encode(response))
        except grpc.aio.AbortError:
            front.fail(number, context.code, context.message, context.trailing_metadata)
        except asyncio.CancelledError:
            # Without effect if the client or the server ended the call.
            front.fail(number, _CANCELLED, "the call was cancelled")
        except Exception as error:  # noqa: BLE001 - interceptors handle those of servicers
            failed_call = call_id() or new_call_id()
            _log.error(
                "call failed",
                method=method.path,
                cause=type(error).__name__,
                call_id=failed_call,
            )
            internal = HushpostError(Reason.INTERNAL, "internal error")
            details = trailing_metadata(internal, failed_call)
            front.fail(number, _INTERNAL, internal.message, details)
        finally:
            del self._calls[number]


@dataclass(frozen=True, slots=True)
class _Method:
    path: str
    call: Callable[[Any, Any], Any]  # takes the request, not an iterator as in gRPC's server
    encode: Callable[[Any], bytes]


class _Context:
    """What interceptors and servicers use of a `grpc.aio.ServicerContext`."""

    __slots__ = ("_metadata", "_peer", "_seconds", "code", "message", "trailing_metadata")

    def __init__(self, metadata: Metadata, peer: str, seconds: float | None) -> None:
        self._metadata = metadata
        self._peer = peer
        self._seconds = seconds
        self.code = _INTERNAL
        self.message = ""
        self.trailing_metadata: Metadata = ()

    def invocation_metadata(self) -> Metadata:
        """Return the metadata of the call."""
        return self._metadata

    def peer(self) -> str:
        """Return the address of the client, as gRPC names it."""
        return self._peer

    def time_remaining(self) -> float | None:
        """Return for how many seconds the client waits from the start; None if it set no limit."""
        return self._seconds

    async def abort(
        self, code: grpc.StatusCode, details: str = "", trailing_metadata: Metadata = ()
    ) -> NoReturn:
        """End the call with a status."""
        self.code, self.message, self.trailing_metadata = code.value[0], details, trailing_metadata
        raise grpc.aio.AbortError
