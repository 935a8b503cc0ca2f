"""Exposes the synchronous client through the asynchronous interface, for tests of both."""

import asyncio
import inspect
from collections.abc import AsyncGenerator, Callable, Generator
from functools import partial
from typing import Any, Self

from hushpost_client.sync import Hushpost

__all__ = ["ThreadedHushpost"]


class ThreadedHushpost:
    """A synchronous client whose calls run in threads, so that they can be awaited."""

    def __init__(self, client: Hushpost) -> None:
        self._client = client
        self.tracking = _ThreadedService(client.tracking)
        self.preferences = _ThreadedService(client.preferences)
        self.campaigns = _ThreadedService(client.campaigns)
        self.stats = _ThreadedService(client.stats)
        self.admin = _ThreadedService(client.admin)

    @classmethod
    def connect(cls, *args: Any, **kwargs: Any) -> Self:
        """Create a client, with the arguments of `Hushpost.connect`."""
        return cls(Hushpost.connect(*args, **kwargs))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await asyncio.to_thread(self._client.close)


class _ThreadedService:
    """Turns methods into coroutine functions and generators into async generators."""

    def __init__(self, service: object) -> None:
        self._service = service

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = getattr(self._service, name)
        if inspect.isgeneratorfunction(method):
            return lambda *args, **kwargs: _iterate(method(*args, **kwargs))
        return partial(asyncio.to_thread, method)


async def _iterate(items: Generator[Any, None, None]) -> AsyncGenerator[Any, None]:
    try:
        while (item := await asyncio.to_thread(next, items, None)) is not None:
            yield item
    finally:
        await asyncio.to_thread(items.close)
