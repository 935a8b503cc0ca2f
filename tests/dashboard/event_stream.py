"""A client of server-sent events."""

import asyncio
import json
from types import TracebackType
from typing import Any, NamedTuple, Self

from .visitor import Visitor

SECONDS = 30


class ServerEvent(NamedTuple):
    """An event of a stream."""

    name: str
    data: str

    def document(self) -> Any:
        """Return the data, which is JSON."""
        return json.loads(self.data)


class EventStream:
    """Watches an address with the cookies of someone who has signed in."""

    def __init__(self, visitor: Visitor, path: str) -> None:
        cookies = "; ".join(f"{name}={value}" for name, value in visitor.cookies.items())
        self._request = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nCookie: {cookies}\r\n\r\n"
        self._port = visitor.port
        self.status = 0

    async def __aenter__(self) -> Self:
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
        self._writer.write(self._request.encode())
        async with asyncio.timeout(SECONDS):
            head = await self._reader.readuntil(b"\r\n\r\n")
        self.status = int(head.split(b" ")[1])
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._writer.close()

    async def next(self) -> ServerEvent | None:
        """Return the next event, without comments; None at the end of the stream."""
        fields: dict[str, list[str]] = {}
        while True:
            async with asyncio.timeout(SECONDS):
                line = (await self._reader.readline()).decode()
            if not line or line == "0\r\n":
                return None
            if not line.strip() and "data" in fields:
                return ServerEvent(fields.get("event", ["message"])[0], "\n".join(fields["data"]))
            # Sizes of chunks have no colon.
            name, colon, value = line.strip().partition(": ")
            if colon and name in {"event", "data"}:
                fields.setdefault(name, []).append(value)
