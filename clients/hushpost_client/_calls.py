"""Makes calls: API key, timeout, retries, errors."""

import asyncio
import logging
import random
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Protocol, TypeVar
from uuid import UUID, uuid4

from google.protobuf.message import Message
from grpc.aio import AioRpcError, UnaryStreamMultiCallable, UnaryUnaryMultiCallable

from hushpost_client._errors import UnavailableError
from hushpost_client._errors_proto import translate
from hushpost_client._retry import RetryPolicy

__all__ = ["Calls", "request_id_or_new"]

_logger = logging.getLogger("hushpost_client")

_Request = TypeVar("_Request", bound=Message)
_Answer = TypeVar("_Answer", bound=Message)


class _Paged(Protocol):
    """An answer that may have a page after it."""

    @property
    def next_page_token(self) -> str: ...


_Page = TypeVar("_Page", bound=_Paged)


def request_id_or_new(request_id: UUID | str | None) -> str:
    """Answer the caller's request id, or a fresh one."""
    return str(uuid4() if request_id is None else request_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Calls:
    """How every call of one client is made.

    The retries are a loop of our own. gRPC's service config can't be used: it
    chooses by method and not by `request_id`, and does not read RetryInfo.
    Neither can a retry library: each try gets what is left of the timeout.
    """

    api_key: str
    timeout: float
    retry: RetryPolicy
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    clock: Callable[[], float] = time.monotonic
    # Jitter guards against crowds, not against attackers.
    uniform: Callable[[float, float], float] = random.uniform

    @property
    def metadata(self) -> tuple[tuple[str, str], ...]:
        """What goes with each call."""
        return (("authorization", f"Bearer {self.api_key}"),)

    def __repr__(self) -> str:
        return f"Calls(timeout={self.timeout}, retry={self.retry})"  # never the key

    async def unary(
        self,
        method: UnaryUnaryMultiCallable[_Request, _Answer],
        request: _Request,
        timeout: float | None,
    ) -> _Answer:
        """Make a call and answer its answer.

        Raises:
            HushpostError: of the class that belongs to the call's status.
        """
        end = self.clock() + (self.timeout if timeout is None else timeout)
        # The rule itself: without a request id a second try could count twice.
        tries = self.retry.max_tries if getattr(request, "request_id", "") else 1
        failures = 0
        while True:
            try:
                return await method(
                    request,
                    timeout=max(0.0, end - self.clock()),
                    metadata=self.metadata,
                )
            except AioRpcError as error:
                translated = translate(error)
                if not isinstance(translated, UnavailableError):
                    raise translated from error
                failures += 1
                wait = self.retry.wait(failures, translated.retry_after, self.uniform)
                if failures >= tries or self.clock() + wait >= end:
                    raise translated from error
            await self.sleep(wait)

    async def pages(self, fetch: Callable[[str], Awaitable[_Page]]) -> AsyncGenerator[_Page]:
        """Fetch page after page; `fetch` is given the token of the page."""
        page = await fetch("")
        yield page
        while page.next_page_token:
            page = await fetch(page.next_page_token)
            yield page

    async def stream(
        self,
        method: UnaryStreamMultiCallable[_Request, _Answer],
        next_request: Callable[[], _Request],
    ) -> AsyncGenerator[_Answer]:
        """Follow a stream for ever; after a break go on with `next_request()`.

        Never gives up while the authority is UNAVAILABLE: whoever follows a
        stream keeps what it has and wants the rest when there is one again.

        Raises:
            HushpostError: of any other status.
        """
        failures = 0
        while True:
            retry_after: float | None = None
            try:
                async with aclosing(self._once(method, next_request())) as answers:
                    async for answer in answers:
                        failures = 0
                        yield answer
            except UnavailableError as error:
                _logger.warning("a stream broke and will be resumed: %s", error)
                retry_after = error.retry_after
            failures += 1
            await self.sleep(self.retry.wait(failures, retry_after, self.uniform))

    async def _once(
        self, method: UnaryStreamMultiCallable[_Request, _Answer], request: _Request
    ) -> AsyncGenerator[_Answer]:
        call = method(request, metadata=self.metadata)
        try:
            async for answer in call:
                yield answer
        except AioRpcError as error:
            raise translate(error) from error
        finally:
            # Whoever stops iterating must not leave a stream open behind it.
            call.cancel()
