"""A connection pooler that keeps the sessions of its clients open."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from urllib.parse import parse_qs, urlsplit

TERMINATE = b"X\0\0\0\4"
"""The message with which a client ends its session."""


@asynccontextmanager
async def pooled(uri: str) -> AsyncIterator[str]:
    """Yield an address of the same database, behind a pooler.

    Like PgBouncer, the pooler does not end the session on the server when a client
    disconnects.
    """
    parts = urlsplit(uri)
    socket = f"{parse_qs(parts.query)['host'][0]}/.s.PGSQL.5432"
    sessions: list[asyncio.StreamWriter] = []

    async def connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        from_server, to_server = await asyncio.open_unix_connection(socket)
        sessions.append(to_server)
        responses = asyncio.create_task(_forward(from_server, writer))
        await _forward(reader, to_server)
        responses.cancel()
        writer.close()

    server = await asyncio.start_server(connect, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        yield f"postgresql://postgres@127.0.0.1:{port}{parts.path}?sslmode=disable"
    finally:
        server.close()
        for session in sessions:
            session.close()
            with suppress(ConnectionError):
                await session.wait_closed()


async def _forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while (data := await reader.read(65_536)) and not data.endswith(TERMINATE):
            writer.write(data)
            await writer.drain()
