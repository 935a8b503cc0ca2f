"""A stream whose client does not read ends, and gives its memory back."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import Any

import grpc
import pytest

from hushpost.v1 import stats_pb2
from hushpost_client import Role
from hushpost_service.rpc.call_acceptor import CallServer
from hushpost_service.rpc.interceptors import ErrorInterceptor
from hushpost_service.rpc.receiving import RequestReader
from hushpost_service.rpc.registration import InterceptedServer
from tests.authority import AuthorityProcess
from tests.conftest import Clients, RunningAuthority, make_tenant
from tests.mailing import clients_of
from tests.rpc.test_messages import ADMIT_ALL

from .extent import FULL
from .memory import mebibytes
from .unread_stream import leave_unread

STREAMS = 500
STREAMS_PER_KEY = 200
LINKS = [f"https://shop.example.com/{number}?{'x' * 300}" for number in range(10_000)]

MEBIBYTES = 250
"""A client that reads nothing can hold about half a MiB for a minute."""

LIMIT_SECONDS = 90
"""The limit of a minute, and what a busy machine adds."""


async def test_a_stream_that_is_not_read_ends() -> None:
    """After a time limit the server ends its handler, and the call as its client sees it."""
    ended = asyncio.Event()

    async def produce(_: Any, __: Any) -> AsyncIterator[bytes]:
        try:
            while True:
                yield bytes(100_000)
        finally:
            ended.set()

    async def finish(_: Any, __: Any) -> AsyncIterator[bytes]:
        yield b""

    server = CallServer()
    registrar = InterceptedServer(
        server,
        interceptors=(ErrorInterceptor(),),
        admission=ADMIT_ALL,
        reader=RequestReader(),
        write_seconds=0.2,
    )
    handler = grpc.unary_stream_rpc_method_handler
    registrar.add_registered_method_handlers(
        "test.Service", {"Produce": handler(produce, bytes), "Finish": handler(finish, bytes)}
    )
    target = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    await server.start()
    try:
        unread = asyncio.create_task(leave_unread(target, "/test.Service/Produce", b""))
        async with grpc.aio.insecure_channel(target) as channel:
            # gRPC's server keeps the call that it has accepted last.
            call: Any = channel.unary_stream("/test.Service/Finish")
            await asyncio.wait_for(ended.wait(), 10)
            await call(b"", timeout=10).read()
            assert await asyncio.wait_for(unread, 10) < 10
    finally:
        with suppress(asyncio.CancelledError):
            await server.stop(0)


async def _ended(clients: Clients, *streams: Coroutine[Any, Any, float]) -> list[float]:
    """Wait for the end of streams, while others make calls; return after how many seconds."""
    tasks = [asyncio.ensure_future(stream) for stream in streams]
    while (await asyncio.wait(tasks, timeout=1))[1]:
        await clients.sender.campaigns.get_campaign("spring")
    return [task.result() for task in tasks]


@pytest.mark.skipif(not FULL, reason="the limit is a minute")
@pytest.mark.timeout(300)
async def test_streams_of_an_authority_that_are_not_read_end(tmp_path: Path) -> None:
    """The streams of both RPCs end after a minute, and hold little memory until then."""
    async with AsyncExitStack() as stack:
        process = stack.enter_context(AuthorityProcess(tmp_path))
        authority = RunningAuthority.of(process)
        keys = await make_tenant(authority)
        clients = await clients_of(stack, authority, keys=keys)
        await clients.sender.campaigns.create_campaign("spring", links=LINKS)
        admin = await stack.enter_async_context(authority.client(authority.admin_key))
        edge_keys = [
            (await admin.admin.create_api_key(Role.EDGE)).secret or ""
            for _ in range(0, STREAMS, STREAMS_PER_KEY)
        ]
        pid = process.process.pid
        before = mebibytes(pid, "VmRSS")
        watching = [
            leave_unread(
                process.target,
                "/hushpost.v1.TrackingService/WatchLinks",
                b"",
                edge_keys[number // STREAMS_PER_KEY],
            )
            for number in range(STREAMS)
        ]
        async with asyncio.timeout(LIMIT_SECONDS):
            seconds = await _ended(clients, *watching)
        growth = mebibytes(pid, "VmHWM") - before
        print(  # noqa: T201
            f"\n{STREAMS} unread streams of WatchLinks: +{growth:.0f} MiB at most, "
            f"ended after {min(seconds):.0f} to {max(seconds):.0f} s, "
            f"then +{mebibytes(pid, 'VmRSS') - before:.0f} MiB"
        )
        assert growth < MEBIBYTES
        request = stats_pb2.WatchCampaignStatsRequest(campaign_id="spring").SerializeToString()
        path = "/hushpost.v1.StatsService/WatchCampaignStats"
        async with asyncio.timeout(LIMIT_SECONDS):
            await _ended(clients, leave_unread(process.target, path, request, keys.reporter_key))
        assert "Traceback" not in process.log_file.read_text()
