"""Unary calls without a deadline get one from the authority."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest

from hushpost_service.rpc.interceptors import DeadlineInterceptor, ErrorInterceptor
from hushpost_service.rpc.interceptors.interceptor import Unary
from tests.wire import refused

DEFAULT_SECONDS = 0.2
PATH = "/test.Test/Sleep"


async def _sleep(seconds: bytes, _: object) -> bytes:
    await asyncio.sleep(float(seconds))
    return b"done"


@pytest.fixture
async def target() -> AsyncIterator[str]:
    """A server with one RPC, which takes as long as it is asked to."""
    call: Unary = _sleep
    for interceptor in (DeadlineInterceptor(DEFAULT_SECONDS), ErrorInterceptor()):
        call = interceptor.unary("Sleep", call)
    server = grpc.aio.server()
    handlers: dict[str, Any] = {"Sleep": grpc.unary_unary_rpc_method_handler(call)}
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("test.Test", handlers),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    yield f"127.0.0.1:{port}"
    await server.stop(None)


@pytest.mark.parametrize(
    ("takes", "timeout", "reason"),
    [
        (b"5", None, "DEADLINE_EXCEEDED"),  # from the authority
        (b"0.01", None, None),
        (b"0.5", 30.0, None),  # the caller's deadline applies, although it is later
    ],
)
async def test_a_call_without_a_deadline_gets_one(
    target: str, takes: bytes, timeout: float | None, reason: str | None
) -> None:
    """Only a call without a deadline is ended, with a typed error."""
    async with grpc.aio.insecure_channel(target) as channel:
        method: Any = channel.unary_unary(PATH)
        call = method(takes, timeout=timeout)
        if reason is None:
            assert await call == b"done"
            return
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await asyncio.wait_for(call, 4)
        assert refused(caught.value).code is grpc.StatusCode.DEADLINE_EXCEEDED
        assert refused(caught.value).reason == reason
