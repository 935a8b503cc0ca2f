"""Accepts calls without decoding their paths.

gRPC's server decodes the path of a call that has no registered method, in the loop that accepts
all calls. A path that is not UTF-8 raises there, which ends the loop and then the process,
and a caller needs no key for it. So all methods are registered here, and calls of other
methods end as UNIMPLEMENTED, also if their path is not UTF-8.

Also refuses calls before gRPC handles them (`rpc.early_refusals`).

Also lets a handler cancel its call, which gRPC offers to clients only. gRPC runs two tasks
per call: an outer one that waits for the end of the call, and an inner one for the handler.
A call whose handler has ended while a write is pending stays open with all its memory, until
the outer task is cancelled.

This overrides private methods of grpcio, because it has no public ones for this;
tests/rpc/test_malformed_calls.py, tests/faults/test_unread_streams.py and
tests/faults/test_overload.py fail if a release of grpcio changes them.
"""

import asyncio
import secrets
import weakref
from collections import deque
from collections.abc import Collection, Coroutine, Mapping
from contextlib import suppress
from contextvars import ContextVar, copy_context
from functools import partial
from typing import Any

from grpc._cython import cygrpc
from grpc.aio import _server

from hushpost_service.rpc.early_refusals import EarlyRefusals, Refusal, Refuse
from hushpost_service.rpc.transport import Handler

__all__ = ["CallServer", "cancel_call"]

_OUTER_TASK = "rpc_task"
"""gRPC's name of the outer task of a call."""

_NO_FLAGS = 0

_outer: ContextVar["weakref.ref[asyncio.Task[Any]]"] = ContextVar("outer")
"""The outer task of the call that is being handled. Not a reference, which would be a cycle."""


def cancel_call() -> None:
    """Cancel the call whose handler is running; raise CancelledError afterwards.

    The client gets the status CANCELLED, without a reason.
    """
    outer = _outer.get()()
    if outer is not None:
        outer.cancel()


class CallServer(_server.Server):
    """A gRPC server that survives paths that are not UTF-8."""

    def __init__(self, options: tuple[tuple[str, Any], ...] = ()) -> None:
        # Not that of the base class, which would create the other kind of acceptor.
        self._loop = asyncio.get_running_loop()
        self._server = _Acceptor(self._loop, options)

    def add_methods(
        self,
        service: str,
        handlers: "Mapping[str, Handler[Any, Any]]",
        frequent: Collection[str] = (),
    ) -> None:
        """Add the methods of a service by name.

        The acceptor waits for each frequent method by itself, and for all others together,
        because at every call it looks at everything that it waits for.
        """
        known = {name: handlers[name] for name in handlers if name in frequent}
        self.add_registered_method_handlers(service, known)
        others = {f"/{service}/{name}": handlers[name] for name in handlers.keys() - known}
        self._server.add_others(others)

    def refuse_early(self, path: str, refuse: Refuse) -> None:
        """Let `refuse` decide about each call of a frequent method, given by its path.

        The body of a refused call is not received.
        """
        self._server.refuse_early(path, refuse)


class _Call:
    """What a call of an infrequent method needs to find its handler."""

    handler: "Handler[Any, Any] | None" = None


_call: ContextVar[_Call] = ContextVar("call")
"""The call that the acceptor waits for. The task of a call inherits it from the acceptor."""


class _Acceptor(cygrpc.AioServer):  # type: ignore[misc] # untyped
    """Waits for calls.

    gRPC's accept loop calls `_make_request_call_future` for each registered method, and with
    None for all other paths, at its start and whenever such a call has come. Here None waits
    for nothing. The pseudo method `_others`, a random path that no client knows, waits for
    the infrequent methods and for calls of unknown methods.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, options: Any) -> None:
        super().__init__(_Loop(loop), None, (self,), None, options, None)
        self._others = f"/{secrets.token_hex(16)}"
        self._handlers: dict[str | None, Handler[Any, Any]] = {}
        self._accepted: deque[tuple[str | None, asyncio.Task[Any]]] = deque()
        self._any_accepted = asyncio.Event()
        self._is_waiting = False
        self._never = loop.create_future()
        self._early_refusals: dict[str, EarlyRefusals] = {}
        # Without a handler, gRPC asks `service`.
        self.add_registered_method_handlers({self._others: None})

    def add_others(self, handlers: "dict[str, Handler[Any, Any]]") -> None:
        """Add infrequent methods by path."""
        self._handlers.update(handlers)
        self.add_registered_method_handlers(dict.fromkeys(handlers))

    def refuse_early(self, path: str, refuse: Refuse) -> None:
        """Let `refuse` decide about each call of a frequent method."""
        loop, method = asyncio.get_running_loop(), path.encode()
        self._early_refusals[path] = EarlyRefusals(
            lambda: self._request_registered_call(method),
            lambda call: refuse(cygrpc._ServicerContext(call, None, None, loop)),  # noqa: SLF001 - see above
            partial(_send, loop),
            self.is_running,
        )

    def service(self, _: Any) -> "Handler[Any, Any] | None":
        """Return the handler of a call of `_others`; None for an unknown method."""
        return _call.get().handler

    def _make_request_call_future(self, method: bytes | None) -> "asyncio.Future[Any]":
        path = None if method is None else method.decode()
        loop = asyncio.get_running_loop()
        if path is None or path in self._handlers:
            return self._never  # one for all, so that the accept loop looks at one
        if path in self._early_refusals:
            return self._early_refusals[path].next_admitted()
        if path != self._others:
            future: asyncio.Future[Any] = super()._make_request_call_future(method)
            return future
        call = _Call()
        # In the context of the accept loop, from which it creates the task of the call.
        _call.set(call)
        return loop.create_task(self._next(call))

    async def _next(self, call: _Call) -> Any:
        """Return the next call of an infrequent or unknown method; raise if the server stops."""
        if not self._is_waiting:
            self._is_waiting = True
            for path in (None, *self._handlers):
                self._wait_for(path)
        while not self._accepted:
            self._any_accepted.clear()
            await self._any_accepted.wait()
        path, accepted = self._accepted.popleft()
        if self.is_running():
            self._wait_for(path)
        call.handler = self._handlers.get(path)
        return accepted.result()

    def _wait_for(self, path: str | None) -> None:
        method = None if path is None else path.encode()
        task = super()._make_request_call_future(method)
        task.add_done_callback(partial(self._on_accepted, path))

    def _on_accepted(self, path: str | None, task: "asyncio.Task[Any]") -> None:
        if not task.cancelled():
            task.exception()  # marks it as retrieved: at the end, all of them fail
        self._accepted.append((path, task))
        self._any_accepted.set()


async def _send(loop: asyncio.AbstractEventLoop, call: Any, refusal: Refusal) -> None:
    """Send the status of a refused call; return when the call is closed."""
    operations = (
        cygrpc.SendInitialMetadataOperation((), _NO_FLAGS),
        cygrpc.SendStatusFromServerOperation(
            refusal.trailing_metadata, refusal.code.value[0], refusal.message, _NO_FLAGS
        ),
        cygrpc.ReceiveCloseOnServerOperation(_NO_FLAGS),
    )
    with suppress(cygrpc.ExecuteBatchError):  # the client has gone away
        await cygrpc.execute_batch(call, operations, loop)


class _Loop:
    """The event loop for gRPC's server. Handlers inherit the outer task of their call."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self.create_future = loop.create_future

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loop, name)

    def create_task(
        self, work: Coroutine[Any, Any, Any], *, name: str | None = None
    ) -> asyncio.Task[Any]:
        """Create a task."""
        if name != _OUTER_TASK:
            return self._loop.create_task(work, name=name)
        context = copy_context()
        task = self._loop.create_task(work, name=name, context=context)
        context.run(_outer.set, weakref.ref(task))
        return task
