"""The native transport, which serves single calls, and forwards batches and streams to gRPC's server.

`make test-native` runs all tests of RPCs over it.
"""

import asyncio
import os
import subprocess
import sys
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, aclosing
from pathlib import Path
from typing import Any

import grpc
import pytest

from hushpost.v1 import tracking_pb2 as pb
from hushpost.v1.privacy_pb2 import Verdict
from hushpost_client import PolicyUpdate, Release, Role, UnauthenticatedError
from hushpost_service.rpc.call_acceptor import CallServer
from hushpost_service.rpc.interceptors import ErrorInterceptor
from hushpost_service.rpc.native_server import NativeServer
from hushpost_service.rpc.receiving import RequestReader
from hushpost_service.rpc.registration import InterceptedServer
from tests.authority import HUSHPOST, AuthorityProcess
from tests.conftest import RunningAuthority, make_tenant
from tests.faults.unread_stream import leave_unread
from tests.mailing import Mailing, clients_of, send
from tests.rpc.test_messages import ADMIT_ALL
from tests.waiting import until
from tests.wire import Wire, empty_request, refused

PATH = "/test.Test/"


class Calls:
    """Serves calls that wait, and notes how they end."""

    def __init__(self) -> None:
        self.waiting = 0
        self.cancelled = 0
        self.released = asyncio.Event()

    async def wait(self, request: bytes, _: object) -> bytes:
        """Return the request once `released` is set."""
        self.waiting += 1
        try:
            await self.released.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        return request

    async def fail(self, _: object, __: object) -> bytes:
        """Fail with a text that must not leave the process."""
        raise RuntimeError("ann@example.com")


@pytest.fixture
async def calls() -> Calls:
    """The calls of a server."""
    return Calls()


@pytest.fixture
async def channel(calls: Calls) -> AsyncIterator[grpc.aio.Channel]:
    """A channel to a server with `calls`."""
    server = NativeServer(CallServer(), shares_addresses=False)
    handler = grpc.stream_unary_rpc_method_handler
    server.add_methods(
        "test.Test",
        {"Wait": handler(calls.wait, None, bytes), "Fail": handler(calls.fail, None, bytes)},
    )
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as opened:
        yield opened
        await server.stop(10)


@pytest.fixture(scope="module")
def native(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningAuthority]:
    """An authority with the native transport."""
    folder = tmp_path_factory.mktemp("native")
    with AuthorityProcess(folder, "--transport", "native") as process:
        yield RunningAuthority.of(process)


@pytest.fixture
async def mailing(native: RunningAuthority) -> AsyncIterator[Mailing]:
    """A campaign with exact counts at that authority."""
    async with AsyncExitStack() as stack:
        keys = await make_tenant(native, PolicyUpdate(release=Release.EXACT))
        yield await send(await clients_of(stack, native, keys=keys), ["ann", "bob"])


async def _code(call: Any) -> grpc.StatusCode:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return caught.value.code()


async def test_a_call_ends_when_its_client_leaves(calls: Calls, channel: grpc.aio.Channel) -> None:
    """Cancelling a call, or its deadline, cancels the handler."""
    method: Any = channel.unary_unary(f"{PATH}Wait")
    # Enough time for the connection, so that the call reaches the handler before its deadline.
    assert await _code(method(b"", timeout=1)) is grpc.StatusCode.DEADLINE_EXCEEDED
    await until(lambda: calls.cancelled == 1)
    call = asyncio.ensure_future(method(b""))
    await until(lambda: calls.waiting == 2)
    call.cancel()
    await until(lambda: calls.cancelled == 2)


async def test_the_text_of_an_exception_stays_in_the_process(channel: grpc.aio.Channel) -> None:
    """A failure that no interceptor handles is INTERNAL, with an id for the log."""
    method: Any = channel.unary_unary(f"{PATH}Fail")
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await method(b"")
    refusal = refused(caught.value)
    assert (refusal.code, refusal.message) == (grpc.StatusCode.INTERNAL, "internal error")
    assert (refusal.reason, len(refusal.call_id)) == ("INTERNAL", 16)


@pytest.mark.parametrize("grace", [10, 0.1])
async def test_stopping_waits_for_calls(calls: Calls, grace: float) -> None:
    """Calls in progress have time to finish; the others end as UNAVAILABLE."""
    server = NativeServer(CallServer(), shares_addresses=False)
    handler: Any = grpc.stream_unary_rpc_method_handler(calls.wait, None, bytes)
    server.add_methods("test.Test", {"Wait": handler})
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        method: Any = channel.unary_unary(f"{PATH}Wait")
        call = asyncio.ensure_future(method(b"request"))
        await until(lambda: calls.waiting == 1)
        stopping = asyncio.create_task(server.stop(grace))
        if grace > 1:
            assert not (await asyncio.wait((stopping,), timeout=0.3))[0]
            calls.released.set()
            assert await call == b"request"
        else:
            assert await _code(call) is grpc.StatusCode.UNAVAILABLE
        await asyncio.wait_for(stopping, 10)


async def test_an_unread_stream_goes_on_until_its_connection_ends() -> None:
    """All responses are received from the other server, so that its time limit never applies."""
    produced, ended = asyncio.Event(), asyncio.Event()

    async def produce(_: Any, __: Any) -> AsyncIterator[bytes]:
        try:
            for _number in range(20):
                yield bytes(100_000)  # more than a client can be sent that does not read
            produced.set()
            await asyncio.Event().wait()
        finally:
            ended.set()

    server = NativeServer(CallServer(), shares_addresses=False)
    registrar = InterceptedServer(
        server,
        interceptors=(ErrorInterceptor(),),
        admission=ADMIT_ALL,
        reader=RequestReader(),
        write_seconds=0.2,
    )
    handler: Any = grpc.unary_stream_rpc_method_handler(produce, bytes)
    registrar.add_registered_method_handlers("test.Test", {"Produce": handler})
    target = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    await server.start()
    try:
        unread = asyncio.create_task(leave_unread(target, f"{PATH}Produce", b""))
        await asyncio.wait_for(produced.wait(), 10)
        assert not ended.is_set()
        unread.cancel()
        await asyncio.wait_for(ended.wait(), 10)
    finally:
        await server.stop(0)


async def test_repeated_clicks_and_batches_count_once(
    native: RunningAuthority, mailing: Mailing
) -> None:
    """Single calls and batches, which another server serves, record events exactly once."""
    click = pb.RecordClickRequest(
        token=mailing.click_tokens.get("ann", mailing.tokens["ann"]),
        link_number=1,
        verdict=Verdict.VERDICT_HUMAN,
        request_id=str(uuid.uuid4()),
    )
    event = pb.Event(token=mailing.tokens["bob"], verdict=Verdict.VERDICT_HUMAN)
    batch = pb.RecordEventsRequest(events=[event], request_id=str(uuid.uuid4()))
    async with native.client(native.admin_key) as installation, Wire(native.target) as wire:
        key = (await installation.admin.create_api_key(Role.EDGE)).secret
        for method, message in (("RecordClick", click), ("RecordEvents", batch)):
            await asyncio.gather(*(wire.call(method, message, key) for _ in range(8)))
    stats = await mailing.stats()
    assert stats.clicks.human.identified.total == 1
    assert stats.opens.human.identified.total == 1


async def test_calls_without_a_key_are_refused(native: RunningAuthority) -> None:
    """Errors of both servers have their details."""
    async with Wire(native.target) as wire:
        for method in ("RecordClick", "RecordEvents", "WatchLinks"):
            refusal = await wire.refusal(method, empty_request(method), None)
            assert (refusal.code, refusal.reason, refusal.domain) == (
                grpc.StatusCode.UNAUTHENTICATED,
                "API_KEY_MISSING",
                "hushpost",
            )


async def test_a_revocation_ends_streams(native: RunningAuthority) -> None:
    """An open stream ends when its key is revoked."""
    async with native.client(native.admin_key) as installation:
        created = await installation.admin.create_api_key(Role.EDGE)
        assert created.secret is not None
        async with (
            native.client(created.secret) as edge,
            aclosing(edge.tracking.watch_links()) as links,
        ):
            await anext(links)
            await installation.admin.revoke_api_key(created.api_key.key_id)
            with pytest.raises(UnauthenticatedError):
                await asyncio.wait_for(anext(links), 10)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (
            ("--tls-certificate", "chain.pem", "--tls-key", "key.pem"),
            "transport: native has no TLS: ",
        ),
        (("--listen", "0.0.0.0:0"), "listen: other machines can reach 0.0.0.0:0, and without TLS "),
    ],
)
def test_networks_that_need_tls_are_refused(
    tmp_path: Path, options: tuple[str, ...], expected: str
) -> None:
    """The authority does not start, and says what to do."""
    done = subprocess.run(
        [HUSHPOST, "serve", "--transport", "native", "--data-dir", tmp_path, *options],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
        env=os.environ,
    )
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.removeprefix("hushpost: ").startswith(expected)
    assert "a proxy on this machine encrypt" in line
    assert not list(tmp_path.iterdir())


def test_a_missing_library_is_an_invalid_setting(tmp_path: Path) -> None:
    """Without the extra, the authority does not start, and names the command to install it."""
    program = "import sys; sys.modules['pygrpc_native'] = None; import hushpost_cli.main as cli; cli.app()"
    done = subprocess.run(
        [sys.executable, "-c", program, "serve", "--transport", "native", "--data-dir", tmp_path],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
        env=os.environ,
    )
    assert (done.returncode, done.stderr) == (
        2,
        "hushpost: transport: native is not installed: pip install 'hushpost[native]'\n",
    )
    assert not list(tmp_path.iterdir())
