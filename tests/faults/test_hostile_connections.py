"""Callers without an API key can make the authority neither hold memory nor write logs."""

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path

import pytest

from tests.authority import AuthorityProcess
from tests.conftest import RunningAuthority, make_tenant
from tests.mailing import clients_of, send
from tests.waiting import until

from .extent import FULL
from .memory import mebibytes
from .steady_calls import steady_calls

CONNECTIONS, SECONDS = (1_000, 30) if FULL else (100, 3)
MEBIBYTES = 100

CLOSED_SECONDS = 180
"""Within this time, connections from which nothing is received any more are closed."""

UNPROTECTED = """
import asyncio, grpc
async def main():
    async def call(request, context):
        await context.abort(grpc.StatusCode.UNAUTHENTICATED)
    server = grpc.aio.server(options=[("grpc.max_receive_message_length", 16 << 20)])
    handler = grpc.unary_unary_rpc_method_handler(call)
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(
        "hushpost.v1.TrackingService", {"RecordEvents": handler}),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    print(port, flush=True)
    await server.wait_for_termination()
asyncio.run(main())
"""
"""A server that checks the key in its handler, as most servers do."""


@contextmanager
def unprotected_server() -> Iterator[tuple[int, str]]:
    """Run `UNPROTECTED`; yield its process id and address."""
    with subprocess.Popen(
        [sys.executable, "-c", UNPROTECTED], stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            yield process.pid, f"127.0.0.1:{process.stdout.readline().strip()}"
        finally:
            process.kill()


def _peak_growth(pid: int, target: str, connections: int, seconds: float) -> float:
    """Attack a server; return by how many MiB its memory grew at most."""
    before = mebibytes(pid, "VmRSS")
    subprocess.run(
        [
            sys.executable,
            "-m",
            "tests.faults.hostile_http2",
            target,
            str(connections),
            str(seconds),
        ],
        check=True,
        timeout=seconds + 60,
    )
    return mebibytes(pid, "VmHWM") - before


def _open_files(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


async def test_unfinished_uploads_without_a_key_take_little_memory(tmp_path: Path) -> None:
    """Connections that send as much as they can raise the process by little and log nothing.

    Prints what they do to legitimate calls, compared with the same calls before.
    """
    async with AsyncExitStack() as stack:
        process = stack.enter_context(AuthorityProcess(tmp_path))
        authority = RunningAuthority.of(process)
        clients = await clients_of(stack, authority, keys=await make_tenant(authority))
        tokens = list(
            (await send(clients, [f"r{number}" for number in range(200)])).tokens.values()
        )
        async with steady_calls(clients.edge, tokens, callers=1) as alone:
            await asyncio.sleep(SECONDS / 3)
        logged = process.log_file.stat().st_size
        async with steady_calls(clients.edge, tokens, callers=1) as attacked:
            growth = await asyncio.to_thread(
                _peak_growth, process.process.pid, process.target, CONNECTIONS, SECONDS
            )
        print(  # noqa: T201
            f"\n{CONNECTIONS} hostile connections, {SECONDS} s: +{growth:.0f} MiB; "
            f"p99 of legitimate calls {alone.p99 * 1000:.1f} ms before, "
            f"{attacked.p99 * 1000:.1f} ms ({attacked.p99 / alone.p99:.1f} times) meanwhile"
        )
        assert growth < MEBIBYTES
        assert process.log_file.stat().st_size - logged < 10_000


@pytest.mark.skipif(not FULL, reason="takes two minutes")
async def test_stopped_connections_are_closed(tmp_path: Path) -> None:
    """The authority does not keep connections from which it receives nothing."""
    with AuthorityProcess(tmp_path) as authority:
        pid = authority.process.pid
        before = _open_files(pid)
        _peak_growth(pid, authority.target, 100, 3)
        # The end of these connections is not received either.
        assert _open_files(pid) > before + 50
        await until(lambda: _open_files(pid) < before + 10, CLOSED_SECONDS)


def test_unfinished_uploads_exhaust_an_unprotected_server() -> None:
    """Control: a server that receives a request before it checks the key holds all of it."""
    with unprotected_server() as (pid, target):
        growth = _peak_growth(pid, target, 20, 3)
        print(f"\n20 hostile connections, 3 s, unprotected: +{growth:.0f} MiB")  # noqa: T201
        assert growth > MEBIBYTES
