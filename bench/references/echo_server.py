"""Reference for unary calls: a `grpc.aio` server that returns a constant response.

`python -m bench.references.echo_server URL` prints its address and serves until the end of
stdin, so that it cannot outlive its parent.
"""

import asyncio
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc
import uvloop

from hushpost.v1 import tracking_pb2 as pb

__all__ = ["running_echo_server"]

_SERVICE = "hushpost.v1.TrackingService"


@asynccontextmanager
async def running_echo_server(url: str) -> AsyncIterator[str]:
    """Run the server in its own process and yield its address; it redirects to `url`."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.references.echo_server", url, stdin=PIPE, stdout=PIPE
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield (await process.stdout.readline()).decode().strip()
    finally:
        process.stdin.close()
        await process.wait()


async def _serve(url: str) -> None:
    async def record_click(
        _request: pb.RecordClickRequest, _context: grpc.aio.ServicerContext[Any, Any]
    ) -> pb.RecordClickResponse:
        return pb.RecordClickResponse(url=url)

    server = grpc.aio.server(options=(("grpc.so_reuseport", 0),))
    handler = grpc.unary_unary_rpc_method_handler(
        record_click,
        request_deserializer=pb.RecordClickRequest.FromString,
        response_serializer=pb.RecordClickResponse.SerializeToString,
    )
    server.add_registered_method_handlers(_SERVICE, {"RecordClick": handler})
    server.add_generic_rpc_handlers(
        (grpc.method_handlers_generic_handler(_SERVICE, {"RecordClick": handler}),)
    )
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    print(f"127.0.0.1:{port}", flush=True)
    await asyncio.to_thread(sys.stdin.read)
    await server.stop(0)


if __name__ == "__main__":
    uvloop.run(_serve(sys.argv[1]))
