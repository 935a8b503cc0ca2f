"""Makes calls: adds the API key, applies timeout and retries, translates errors."""

# At run time, the synchronous MultiCallable classes of gRPC are not generic.
from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Protocol, TypeVar
from uuid import UUID, uuid4

from google.protobuf.message import Message
from grpc import RpcError
from grpc.aio import UnaryStreamMultiCallable, UnaryUnaryMultiCallable

from hushpost_client._errors import UnavailableError
from hushpost_client._errors_proto import translate
from hushpost_client._retry import RetryPolicy

__all__ = ["Calls", "request_id_or_new"]

_logger = logging.getLogger("hushpost_client")

_Request = TypeVar("_Request", bound=Message)
_Response = TypeVar("_Response", bound=Message)


class _Paged(Protocol):
    """A response of a paged list."""

    @property
    def next_page_token(self) -> str: ...


_Page = TypeVar("_Page", bound=_Paged)


def request_id_or_new(request_id: UUID | str | None) -> str:
    """Return the caller's request id, or a new UUID."""
    return str(uuid4() if request_id is None else request_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Calls:
    """Makes the calls of one client.

    Has its own retry loop, for two reasons. gRPC's service config chooses by method,
    not by the presence of a `request_id`, and ignores RetryInfo. A retry library does
    not give each try the rest of the timeout.
    """

    api_key: str
    timeout: float
    retry: RetryPolicy
    added_metadata: Callable[[], Sequence[tuple[str, str]]] = tuple
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    clock: Callable[[], float] = time.monotonic
    # Jitter spreads load; it needs no cryptographic randomness.
    uniform: Callable[[float, float], float] = random.uniform

    @property
    def metadata(self) -> tuple[tuple[str, str], ...]:
        """The metadata of each call."""
        return (("authorization", f"Bearer {self.api_key}"), *self.added_metadata())

    def __repr__(self) -> str:
        return f"Calls(timeout={self.timeout}, retry={self.retry})"  # without the API key

    async def unary(
        self,
        method: UnaryUnaryMultiCallable[_Request, _Response],
        request: _Request,
        timeout: float | None,
    ) -> _Response:
        """Make a call and return its response.

        Raises:
            HushpostError: the subclass of the call's status.
        """
        deadline = self.clock() + (self.timeout if timeout is None else timeout)
        # Without a request id, a second try could count twice.
        tries = self.retry.max_tries if getattr(request, "request_id", "") else 1
        failures = 0
        while True:
            try:
                return await method(
                    request,
                    timeout=max(0.0, deadline - self.clock()),
                    metadata=self.metadata,
                )
            except RpcError as error:
                translated = translate(error)
                if not isinstance(translated, UnavailableError):
                    raise translated from error
                failures += 1
                backoff = self.retry.backoff(failures, translated.retry_after, self.uniform)
                if failures >= tries or self.clock() + backoff >= deadline:
                    raise translated from error
            await self.sleep(backoff)

    async def pages(self, fetch: Callable[[str], Awaitable[_Page]]) -> AsyncGenerator[_Page, None]:
        """Yield page after page; `fetch` takes a page token."""
        page = await fetch("")
        yield page
        while page.next_page_token:
            page = await fetch(page.next_page_token)
            yield page

    async def stream(
        self,
        method: UnaryStreamMultiCallable[_Request, _Response],
        next_request: Callable[[], _Request],
    ) -> AsyncGenerator[_Response, None]:
        """Yield the responses of a stream without end.

        Resumes with `next_request()` whenever the stream breaks, for as long as the
        authority is UNAVAILABLE.

        Raises:
            HushpostError: the subclass of any other status.
        """
        failures = 0
        while True:
            retry_after: float | None = None
            try:
                async with aclosing(self._stream_once(method, next_request())) as responses:
                    async for response in responses:
                        failures = 0
                        yield response
            except UnavailableError as error:
                _logger.warning("stream interrupted, resuming: %s", error)
                retry_after = error.retry_after
            failures += 1
            await self.sleep(self.retry.backoff(failures, retry_after, self.uniform))

    async def _stream_once(
        self, method: UnaryStreamMultiCallable[_Request, _Response], request: _Request
    ) -> AsyncGenerator[_Response, None]:
        call = method(request, metadata=self.metadata)
        try:
            async for response in call:
                yield response
        except RpcError as error:
            raise translate(error) from error
        finally:
            # Ends the stream when the caller stops iterating.
            call.cancel()
