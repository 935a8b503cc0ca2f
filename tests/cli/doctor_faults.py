"""Faults that `hushpost doctor` has to find."""

import asyncio
import ssl
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing, suppress
from pathlib import Path

from hushpost_edge.quarantine import SCHEMA as QUARANTINE
from hushpost_edge.spool import _SCHEMA as SPOOL
from hushpost_edge.spooled_event import RECORD_BYTES
from hushpost_edge.sqlite import open_database

NOTHING = "127.0.0.1:1"
"""An address that nothing listens on."""


@asynccontextmanager
async def serving(response: bytes, context: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    """Accept connections, and send the same response on each; yield the address."""

    async def respond(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(response)
        with suppress(OSError):
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(respond, "127.0.0.1", 0, ssl=context)
    try:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        await server.wait_closed()


def create_spool(parent: Path, *, seconds: float, quarantined: int = 0) -> Path:
    """Create the data folder of an edge with three events that have waited for `seconds`."""
    folder = parent / "edge"
    file = folder / "spool" / "1.sqlite"
    with closing(open_database(file, SPOOL + QUARANTINE)) as database:
        insert = "insert into arrivals (first, time, corrections, events) values (?, ?, ?, ?)"
        then = int((time.time() - seconds) * 1e6)
        database.execute(insert, (1, then, b"", bytes(3 * RECORD_BYTES)))
        database.execute(
            "insert into quarantine (reason, start, events) values ('TOKEN_KEY_UNKNOWN', 0, ?)",
            (bytes(quarantined * RECORD_BYTES),),
        )
    return folder
