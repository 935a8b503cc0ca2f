"""Makes calls to two authorities, and repeats them until they are acknowledged."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import inf
from typing import Any

import grpc
from google.protobuf.message import Message

from tests.wire import Wire, refused

from .ledger import Ledger
from .timeline import Interval

__all__ = ["Answer", "RepeatedCalls"]

_TRY_SECONDS = 2.0
_SETTLE_SECONDS = 60.0
"""How long a call is repeated until it is acknowledged. All faults end much earlier."""

# Errors after which the call may have been executed, and that pass.
_UNKNOWN = (
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.CANCELLED,
)
# gRPC's own errors when a connection is cut have these codes, but no reason.
_CUT = (grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN)
# Errors after which the call has surely not been executed.
_NOT_EXECUTED = ("OVERLOADED", "SHUTTING_DOWN")


@dataclass(frozen=True)
class Answer:
    """The outcome of a call: a response, or that it is unknown, or that it did not happen."""

    when: Interval
    response: Any = None
    is_unknown: bool = False


class RepeatedCalls:
    """Calls that begin at either authority, and are repeated at the other one.

    Args:
        ledger: Where errors are noted that no caller may ever see.
        wires: One channel to each authority.

    Attributes:
        acknowledged: The method, request and key of each acknowledged call with a request id.
    """

    def __init__(self, ledger: Ledger, wires: Sequence[Wire]) -> None:
        self._ledger = ledger
        self._wires = wires
        self._loop = asyncio.get_running_loop()
        self._next_authority = 0
        self.acknowledged: list[tuple[str, Message, str]] = []

    async def make(
        self, method: str, request: Message, key: str, copies: int = 1, *, is_repeated: bool = True
    ) -> Answer:
        """Make a call, several times at once if `copies` is above 1.

        Returns:
            The first acknowledgement; or, without one, that the outcome is unknown if it is
            unknown of any copy.
        """
        self._next_authority = 1 - self._next_authority
        answers = await asyncio.gather(
            *(
                self._settle(
                    method, request, key, (self._next_authority + copy) % 2, is_repeated=is_repeated
                )
                for copy in range(copies)
            )
        )
        acknowledged = [answer for answer in answers if answer.response is not None]
        if acknowledged:
            if getattr(request, "request_id", ""):
                self.acknowledged.append((method, request, key))
            first = min(acknowledged, key=lambda answer: answer.when.end)
            start = min(answer.when.start for answer in answers)
            return replace(first, when=Interval(start, first.when.end))
        return max(answers, key=lambda answer: answer.is_unknown)

    async def repeat(self, call: tuple[str, Message, str], limit: asyncio.Semaphore) -> None:
        """Make an acknowledged call again, which must be acknowledged and change nothing."""
        self._next_authority = 1 - self._next_authority
        async with limit:
            await self._settle(*call, self._next_authority, is_repeated=True)

    async def _settle(
        self, method: str, request: Message, key: str, authority: int, *, is_repeated: bool
    ) -> Answer:
        """Make a call, and repeat it at the other authority until it is acknowledged."""
        start = self._loop.time()
        while True:
            try:
                wire = self._wires[authority]
                response = await wire.call(method, request, key, _TRY_SECONDS)
            except grpc.aio.AioRpcError as error:
                failure = error
            else:
                return Answer(Interval(start, self._loop.time()), response)
            reason = refused(failure).reason
            passes = failure.code() in _UNKNOWN or reason in _NOT_EXECUTED
            if not passes and (reason or failure.code() not in _CUT):
                self._ledger.errors.append(
                    f"{method}: {failure.code().name} {reason} {failure.details()}"
                )
                return Answer(Interval(start, inf), is_unknown=True)
            if not is_repeated:
                return Answer(Interval(start, inf), is_unknown=reason not in _NOT_EXECUTED)
            if self._loop.time() > start + _SETTLE_SECONDS:
                self._ledger.errors.append(f"{method} is never acknowledged: {failure.details()}")
                return Answer(Interval(start, inf), is_unknown=True)
            authority = 1 - authority
            await asyncio.sleep(0.1)
