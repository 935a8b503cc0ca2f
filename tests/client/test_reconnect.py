"""How soon the client uses an authority that is back."""

import asyncio
import time

from hushpost_client import Hushpost, RetryPolicy
from tests.free_port import free_port

OUTAGE_SECONDS = 6
"""Longer than it takes the backoff to grow to its bound."""


async def test_the_client_reconnects_soon_after_an_outage() -> None:
    """The channel connects within seconds, however long the outage was."""
    port = free_port()
    connected = asyncio.Event()
    client = Hushpost.connect(
        f"127.0.0.1:{port}", api_key="hp_x", retry=RetryPolicy(max_tries=1000), timeout=60
    )
    async with client:
        call = asyncio.ensure_future(client.tracking.record_open("token"))
        await asyncio.sleep(OUTAGE_SECONDS)
        assert not call.done()

        async def accept(_reader: object, writer: asyncio.StreamWriter) -> None:
            connected.set()
            writer.close()

        start = time.monotonic()
        async with await asyncio.start_server(accept, "127.0.0.1", port):
            await asyncio.wait_for(connected.wait(), 30)
        assert time.monotonic() - start < 2.5
        call.cancel()
        await asyncio.gather(call, return_exceptions=True)
