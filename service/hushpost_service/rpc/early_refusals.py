"""Refuses calls as they arrive, before gRPC starts to handle them.

gRPC runs two tasks and three operations per call, and accepts one call of a method at a time. Under
overload, each refused call would cost half as much CPU time again (360 instead of 250 µs), which
recording needs, and would wait for those before it: 56 instead of 8 ms. Here calls of a method are
accepted many at a time, and a refused one is a single operation.

`make bench ONLY=overload` measures it.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import grpc
import structlog

from hushpost_service.rpc.interceptors.interceptor import Context

__all__ = ["EarlyRefusals", "Refusal", "Refuse"]

_log = structlog.get_logger(__name__)

_INITIALLY_WAITING = 16
_MIN_WAITING = 8
_MAX_WAITING = 32
"""Tasks that wait for calls. Refusing a call takes its task as long as the client takes to receive
the status, so that there must always be others."""

_MAX_ACCEPTED = 64
"""Calls that wait for gRPC's accept loop, which takes one at a time. More wait in gRPC itself, whose
limit would otherwise have no effect."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """The status of a refused call."""

    code: grpc.StatusCode
    message: str
    trailing_metadata: tuple[tuple[str, bytes], ...]


Refuse = Callable[[Context], Refusal | None]
"""Returns the status with which to refuse a call; None to let it in. Called for every call."""


class EarlyRefusals:
    """Accepts the calls of a method, refuses some, and passes on the others.

    Args:
        accept: Returns the next call; raises an exception if the server stops.
        refuse: Decides about an accepted call. If it raises an exception, the call is passed on.
        send: Ends a call with a status; returns once the client has it, and does not raise.
        is_running: Whether the server still accepts calls.
    """

    def __init__(
        self,
        accept: Callable[[], Awaitable[Any]],
        refuse: Callable[[Any], Refusal | None],
        send: Callable[[Any, Refusal], Awaitable[None]],
        is_running: Callable[[], bool],
    ) -> None:
        self._accept = accept
        self._refuse = refuse
        self._send = send
        self._is_running = is_running
        self._tasks: set[asyncio.Task[None]] = set()
        self._waiting = 0
        self._accepted: deque[tuple[Any, Exception | None]] = deque()
        self._next: asyncio.Future[Any] | None = None

    def next_admitted(self) -> "asyncio.Future[Any]":
        """Return a future of the next call that is not refused, or of an exception of `accept`.

        At most one such future may be pending.
        """
        if self._waiting < _MIN_WAITING and not self._is_full():
            self._start(_INITIALLY_WAITING - self._waiting)
        self._next = asyncio.get_running_loop().create_future()
        if self._accepted:
            _complete(self._next, *self._accepted.popleft())
        return self._next

    def _start(self, count: int) -> None:
        loop = asyncio.get_running_loop()
        for _ in range(count):
            task = loop.create_task(self._run())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        self._waiting += count

    async def _run(self) -> None:
        """Accept calls one after another; end if enough other tasks, or enough calls, wait."""
        while self._is_running() and self._waiting <= _MAX_WAITING and not self._is_full():
            try:
                call = await self._accept()
            except Exception as error:  # noqa: BLE001 - gRPC's accept loop decides what it means
                self._pass_on(None, error)
                break
            refusal = self._decide(call)
            if refusal is None:
                self._pass_on(call)
            else:
                self._waiting -= 1
                if self._waiting < _MIN_WAITING:
                    self._start(1)
                await self._send(call, refusal)
                self._waiting += 1
            del call  # gRPC frees the memory of a call with its last reference
        self._waiting -= 1

    def _is_full(self) -> bool:
        return len(self._accepted) >= _MAX_ACCEPTED

    def _decide(self, call: Any) -> Refusal | None:
        try:
            return self._refuse(call)
        except Exception as error:  # noqa: BLE001 - must not end the task, which accepts calls
            _log.error("deciding about a call failed; passed on", cause=type(error).__name__)
            return None

    def _pass_on(self, call: Any, error: Exception | None = None) -> None:
        if self._next is None or self._next.done():
            self._accepted.append((call, error))
        else:
            _complete(self._next, call, error)


def _complete(future: "asyncio.Future[Any]", call: Any, error: Exception | None) -> None:
    if error is None:
        future.set_result(call)
    else:
        future.set_exception(error)
