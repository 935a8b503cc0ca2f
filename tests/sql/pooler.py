"""A connection pooler that works like PgBouncer, in session or in transaction mode."""

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from urllib.parse import parse_qs, urlsplit

TERMINATE = b"X\0\0\0\4"
"""The message with which a client ends its session."""

KNOWN = {b"user", b"database", b"application_name", b"client_encoding"}
"""Parameters of a connection that PgBouncer does not reject."""

READY, IDLE = b"Z", b"I"
"""The type of the message that ends the answers of a server, and its content out of transactions."""

_UNLIMITED = 1_000_000

Session = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@asynccontextmanager
async def pooled(
    uri: str, *, per_transaction: bool = False, sessions: int | None = None
) -> AsyncIterator[str]:
    """Yield an address of the same database, behind a pooler.

    The pooler does not end the session on the server when a client disconnects. It rejects
    parameters of connections that it does not know.

    Args:
        uri: The address of the database.
        per_transaction: Whether each transaction gets the session that was used last, of those
            that no other transaction uses.
        sessions: How many clients of a pooler in session mode have a session at a time; None
            for any number. The first statements of the others wait.
    """
    parts = urlsplit(uri)
    pooler = _Pooler(f"{parse_qs(parts.query)['host'][0]}/.s.PGSQL.5432", sessions or _UNLIMITED)
    serve = pooler.serve_transactions if per_transaction else pooler.serve_session
    clients: set[asyncio.Task[None]] = set()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        client = asyncio.create_task(serve(reader, writer))
        clients.add(client)
        client.add_done_callback(clients.discard)
        try:
            await client
        finally:
            writer.close()

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        yield f"postgresql://postgres@127.0.0.1:{port}{parts.path}?sslmode=disable"
    finally:
        server.close()
        # One may wait for a session of another.
        for client in clients:
            client.cancel()
        await asyncio.gather(*clients, return_exceptions=True)
        await pooler.close()


class _Pooler:
    def __init__(self, socket: str, limit: int) -> None:
        self._socket = socket
        self._free = asyncio.Semaphore(limit)
        self._greeting = b""
        self._sessions: list[asyncio.StreamWriter] = []
        self._idle: list[Session] = []

    async def close(self) -> None:
        """End all sessions on the server."""
        for session in self._sessions:
            session.close()
            with suppress(ConnectionError):
                await session.wait_closed()

    async def serve_session(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Give a client a session of its own.

        All but the first client are greeted before there is one.
        """
        if start := await _accepted_start(reader, writer):
            is_greeted = bool(self._greeting)
            writer.write(self._greeting)
            async with self._free:
                from_server, to_server = await self._connect(start)
                self._greeting, _ = await _answers(from_server)
                if not is_greeted:
                    writer.write(self._greeting)
                answers = asyncio.create_task(_forward(from_server, writer))
                await _forward(reader, to_server)
                answers.cancel()

    async def serve_transactions(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Give each transaction of a client an idle session."""
        if start := await _accepted_start(reader, writer):
            session = await self._connect(start)
            greeting, _ = await _answers(session[0])
            self._idle.append(session)
            writer.write(greeting)
            await self._relay(start, reader, writer)

    async def _relay(
        self, start: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Send the messages of a client to the session of its transaction."""
        session: Session | None = None
        answers: asyncio.Task[None] | None = None

        async def answer(from_server: asyncio.StreamReader) -> None:
            nonlocal session
            while session is not None:
                kind, message = await _message(from_server)
                if kind == READY and message[-1:] == IDLE:
                    self._idle.append(session)
                    session = None
                writer.write(message)

        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while (message := (await _message(reader))[1]) != TERMINATE:
                if session is None:
                    session = self._idle.pop() if self._idle else await self._greeted(start)
                    answers = asyncio.create_task(answer(session[0]))
                session[1].write(message)
        if answers is not None:
            answers.cancel()

    async def _connect(self, start: bytes) -> Session:
        session = await asyncio.open_unix_connection(self._socket)
        self._sessions.append(session[1])
        session[1].write(start)
        return session

    async def _greeted(self, start: bytes) -> Session:
        session = await self._connect(start)
        await _answers(session[0])
        return session


async def _accepted_start(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
    """Return the first message of a client; empty if it was rejected."""
    size = await reader.readexactly(4)
    content = await reader.readexactly(struct.unpack(">i", size)[0] - 4)
    names = content[4:].split(b"\0")[::2]
    unknown = [name for name in names if name and name not in KNOWN]
    if not unknown:
        return size + content
    message = b"SFATAL\0C08P01\0Munsupported startup parameter: " + unknown[0] + b"\0\0"
    writer.write(b"E" + struct.pack(">i", len(message) + 4) + message)
    return b""


async def _message(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    """Return the type of the next message, and the whole message."""
    header = await reader.readexactly(5)
    return header[:1], header + await reader.readexactly(struct.unpack(">i", header[1:])[0] - 4)


async def _answers(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    """Return all answers of a server, and whether it is in a transaction then."""
    answers = b""
    while True:
        kind, message = await _message(reader)
        answers += message
        if kind == READY:
            return answers, message[-1:]


async def _forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while (data := await reader.read(65_536)) and not data.endswith(TERMINATE):
            writer.write(data)
            await writer.drain()
