"""Receives the request of a unary RPC, after the call has been authenticated.

gRPC would receive the body of a unary call before it runs any code of ours: a caller
without a key could make the server buffer 16 MiB per call. So unary RPCs are registered
as RPCs that take a stream of requests, of which one is read here. gRPC buffers no more
of an unread stream than its flow-control window.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import nullcontext
from typing import Any, TypeVar, cast
from weakref import WeakValueDictionary

import grpc
from google.protobuf.message import DecodeError
from prometheus_client import Counter

from hushpost_service.admin.caller import Caller
from hushpost_service.domain.errors import HushpostError, Reason
from hushpost_service.rpc.interceptors.authentication import current_caller
from hushpost_service.rpc.interceptors.interceptor import Context, Stream, Unary
from hushpost_service.rpc.load_shedding import ConcurrencyLimit

__all__ = ["BATCHES", "BATCH_BYTES", "RequestReader"]

BATCH_BYTES = 16 * 1024 * 1024
"""Maximum size of a request that has a batch: more than 10,000 items of the greatest length."""

_SINGLE_BYTES = 64 * 1024
"""Maximum size of other requests."""

_LARGER_BYTES = dict.fromkeys(("CreateTenant", "UpdatePolicy"), 128 * 1024)
"""Maximum size of requests that may have a logo."""

BATCHES = frozenset(
    (
        "RecordEvents",
        "BatchGetPreferences",
        "BatchSetPreferences",
        "CreateCampaign",
        "ExtendCampaign",
        "IssueTokens",
        "PreviewModes",
    )
)
"""The RPCs whose requests have a batch."""

_RECEIVE_SECONDS = 30.0
_LARGE_IN_PROGRESS = 512 * 1024 * 1024
_RECEIVING = 32
_RECEIVING_PER_CALLER = 8
_NOT_COUNTED = nullcontext()

_INVALID = Counter(
    "hushpost_invalid_messages_total", "Requests that could not be read.", ["method", "reason"]
)

Decode = Callable[[bytes], Any]
T = TypeVar("T")


class RequestReader:
    """Reads requests within limits of size and time.

    Limits how many batches are received at once, in all and per tenant, because each may
    grow to the maximum size, and the total size of large requests in progress.
    """

    def __init__(self, seconds: float = _RECEIVE_SECONDS) -> None:
        """`seconds` limits how long a caller may take to send a request."""
        self._deadlines = _Deadlines(seconds)
        self._receiving = asyncio.Semaphore(_RECEIVING)
        self._receiving_of: WeakValueDictionary[object, asyncio.Semaphore] = WeakValueDictionary()
        self._bytes = ConcurrencyLimit(_LARGE_IN_PROGRESS, "bytes of requests")

    def of_rpc(self, name: str, decode: Decode, call: Unary, check: Callable[[str], None]) -> Unary:
        """Return a function that reads a request and passes it to `call`.

        The function raises MESSAGE_INVALID, MESSAGE_TOO_LARGE, MESSAGE_TIMEOUT, OVERLOADED.

        Args:
            name: The RPC.
            decode: Decodes a request.
            call: Serves the RPC.
            check: Is called with the name of the RPC before a batch waits to be received, before
                it is received, and before it is decoded; raises an error to reject it.
        """
        if name in BATCHES:
            return self._batch(name, decode, call, check)

        limit = _LARGER_BYTES.get(name, _SINGLE_BYTES)

        async def single(request: Any, context: Context) -> Any:
            # The native transport has received it already.
            message = request if type(request) is bytes else await self._received(name, context)
            return await call(_decoded(name, decode, message, limit), context)

        return single

    def _batch(self, name: str, decode: Decode, call: Unary, check: Callable[[str], None]) -> Unary:
        async def batch(_: Any, context: Context) -> Any:
            check(name)
            # Callers that send slowly must not keep others from sending.
            async with self._limit_of(current_caller()), self._receiving:
                # Under overload, a limit that was not reached is reached again while the call waits.
                check(name)
                message = await self._received(name, context)
            # Many batches may have begun to be received while there was room for one.
            check(name)
            large = len(message) > _SINGLE_BYTES
            with self._bytes.holding(len(message)) if large else _NOT_COUNTED:
                return await call(_decoded(name, decode, message, BATCH_BYTES), context)

        return batch

    def _limit_of(self, caller: Caller) -> asyncio.Semaphore:
        """Return the limit of a caller's tenant, or of a key that belongs to no tenant."""
        owner = caller.key.tenant or caller.actor
        limit = self._receiving_of.get(owner)
        if limit is None:
            limit = self._receiving_of[owner] = asyncio.Semaphore(_RECEIVING_PER_CALLER)
        return limit

    def of_stream(self, name: str, decode: Decode, call: Stream) -> Stream:
        """Return a function that reads a request and streams the responses of `call`."""

        async def stream(_: Any, context: Context) -> AsyncIterator[Any]:
            message = await self._received(name, context)
            async for response in call(_decoded(name, decode, message, _SINGLE_BYTES), context):
                yield response

        return stream

    async def _received(self, name: str, context: Context) -> bytes:
        try:
            message = await self._deadlines.limit(context.read())
        except TimeoutError:
            raise _rejected(
                name, Reason.MESSAGE_TIMEOUT, "the request did not arrive in time"
            ) from None
        if message is grpc.aio.EOF:
            raise _rejected(name, Reason.MESSAGE_INVALID, "the call has no request")
        return bytes(message)


class _Deadlines:
    """Limits how long tasks may wait, with one timer for all of them.

    On every call's path; `asyncio.timeout` would add a timer per call, about 20 µs.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._deadlines: dict[asyncio.Task[Any], float] = {}
        self._is_scheduled = False

    async def limit(self, work: Awaitable[T]) -> T:
        """Await `work` in the current task. Raises TimeoutError."""
        task = cast("asyncio.Task[Any]", asyncio.current_task())
        loop = asyncio.get_running_loop()
        self._deadlines[task] = loop.time() + self._seconds
        if not self._is_scheduled:
            self._schedule(loop)
        try:
            return await work
        except asyncio.CancelledError:
            if task not in self._deadlines:
                task.uncancel()
                raise TimeoutError from None
            raise
        finally:
            self._deadlines.pop(task, None)

    def _schedule(self, loop: asyncio.AbstractEventLoop) -> None:
        self._is_scheduled = True
        loop.call_later(min(1.0, self._seconds), self._cancel_late, loop)

    def _cancel_late(self, loop: asyncio.AbstractEventLoop) -> None:
        now = loop.time()
        for task, deadline in list(self._deadlines.items()):
            if deadline <= now:
                del self._deadlines[task]
                task.cancel()
        self._is_scheduled = False
        if self._deadlines:
            self._schedule(loop)


def _decoded(name: str, decode: Decode, message: bytes, limit: int) -> Any:
    if len(message) > limit:
        raise _rejected(
            name,
            Reason.MESSAGE_TOO_LARGE,
            f"the request has {len(message)} bytes; at most {limit} are allowed",
        )
    try:
        return decode(message)
    except DecodeError:
        raise _rejected(
            name, Reason.MESSAGE_INVALID, "the request is not a message of this RPC"
        ) from None


def _rejected(name: str, reason: Reason, message: str) -> HushpostError:
    _INVALID.labels(name, reason).inc()
    return HushpostError(reason, message)
