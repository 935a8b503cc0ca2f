"""HTTP as bytes: what is sent is what a test says, and what comes back is what came."""

import asyncio
from dataclasses import dataclass
from types import TracebackType
from typing import Self

CHROME = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/126.0.0.0 Safari/537.36"
)
_SECONDS = 20


@dataclass(frozen=True)
class Answer:
    """A response; header names are in lower case."""

    status: int
    headers: dict[str, bytes]
    body: bytes


class Connection:
    """A connection that is kept for many requests, one after the other."""

    def __init__(self, port: int) -> None:
        self._port = port

    async def __aenter__(self) -> Self:
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._writer.close()

    async def get(
        self, path: str | bytes, *headers: str, agent: str = CHROME, method: str = "GET"
    ) -> Answer:
        """Make a request. Raises ConnectionError, EOFError where no answer comes."""
        raw = path if isinstance(path, bytes) else path.encode()
        lines = [f"User-Agent: {agent}", *headers]
        if not any(line.startswith("Host:") for line in headers):
            lines.append("Host: localhost")
        head = "\r\n".join([*lines, "", ""]).encode("latin-1")
        self._writer.write(method.encode() + b" " + raw + b" HTTP/1.1\r\n" + head)
        async with asyncio.timeout(_SECONDS):
            return await self._answer(has_body=method != "HEAD")

    async def _answer(self, *, has_body: bool) -> Answer:
        head = (await self._reader.readuntil(b"\r\n\r\n")).split(b"\r\n")
        headers = {}
        for line in head[1:-2]:
            name, _, value = line.partition(b": ")
            headers[name.decode().lower()] = value
        length = int(headers.get("content-length", b"0")) if has_body else 0
        body = await self._reader.readexactly(length)
        return Answer(int(head[0].split(b" ")[1]), headers, body)


async def get(
    port: int, path: str | bytes, *headers: str, agent: str = CHROME, method: str = "GET"
) -> Answer:
    """Make one request on a connection of its own."""
    async with Connection(port) as connection:
        return await connection.get(path, *headers, agent=agent, method=method)
