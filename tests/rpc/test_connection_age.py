"""An authority ends connections after a time, so that clients look for other authorities."""

import asyncio
import struct
from pathlib import Path

from hushpost.v1.tracking_pb2 import WatchLinksRequest
from hushpost_client import Hushpost, RetryPolicy
from tests.authority import AuthorityProcess
from tests.conftest import RunningAuthority, TenantKeys
from tests.http2 import ACK, GOAWAY, PING, PREFACE, SETTINGS, frame
from tests.inspection import database_uri
from tests.wire import Wire

TIMEOUT_SECONDS = 30
NO_ERROR = 0
ONE_TRY = RetryPolicy(max_tries=1)
FIRST, SECOND = "https://shop.example.com/first", "https://shop.example.com/second"


async def goaway_error(target: str) -> int:
    """Connect, and wait until the authority ends the connection; return the error code."""
    host, _, port = target.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        writer.write(PREFACE + frame(SETTINGS, 0, 0))
        while True:
            head = await reader.readexactly(9)
            payload = await reader.readexactly(int.from_bytes(head[:3], "big"))
            kind, flags = head[3], head[4]
            if kind == GOAWAY:
                _, error = struct.unpack_from(">II", payload)
                return int(error)
            if kind == PING and not flags & ACK:
                writer.write(frame(PING, ACK, 0, payload))
    finally:
        writer.close()


async def test_connections_end_and_calls_go_on(
    authority: RunningAuthority, tenant: TenantKeys, tmp_path: Path
) -> None:
    """A connection ends without an error; no call fails, and a stream on an old one goes on."""
    data_dir = authority.process.data_dir
    with AuthorityProcess(
        tmp_path,
        *("--max-connection-seconds", "1", "--keyring", str(data_dir / "keyring.json")),
        *("--transport", "grpcio"),
        environment={"HUSHPOST_DATABASE_URL": database_uri(data_dir)},
    ) as process:
        async with (
            asyncio.timeout(TIMEOUT_SECONDS),
            Wire(process.target) as wire,
            Hushpost.connect(process.target, api_key=tenant.sender_key, retry=ONE_TRY) as sender,
        ):
            await sender.campaigns.create_campaign("first", links=[FIRST])
            stream = wire.stream("WatchLinks", WatchLinksRequest(), tenant.edge_key)
            await stream.read()
            # The second connection is opened after the first of everyone has ended.
            for _ in range(2):
                ended = asyncio.create_task(goaway_error(process.target))
                while not ended.done():
                    await sender.campaigns.get_campaign("first")
                assert ended.result() == NO_ERROR
            await sender.campaigns.create_campaign("second", links=[SECOND])
            urls: set[str] = set()
            while SECOND not in urls:
                urls |= {link.url for link in (await stream.read()).links}
            stream.cancel()
