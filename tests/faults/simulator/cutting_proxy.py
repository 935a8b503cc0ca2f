"""A TCP proxy that cuts, stalls and redirects connections."""

import asyncio
from contextlib import suppress

__all__ = ["CuttingProxy"]

_CHUNK = 65_536


class CuttingProxy:
    """Forwards connections on a loopback port to one of several loopback ports.

    Attributes:
        target: The port that new connections are forwarded to.
    """

    def __init__(self, target: int) -> None:
        self.target = target
        self.port = 0
        self._writers: set[asyncio.StreamWriter] = set()
        self._flows = asyncio.Event()
        self._flows.set()
        # How many more bytes pass before all connections are cut; None: any number.
        self._left: int | None = None

    async def start(self) -> None:
        """Listen on a free port."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Close all connections and stop listening."""
        self._server.close()
        self.resume()
        self.cut()
        await asyncio.sleep(0)

    def cut(self) -> None:
        """Cut all connections."""
        self._left = None
        for writer in list(self._writers):
            writer.transport.abort()

    def cut_after(self, size: int) -> None:
        """Cut all connections after that many more bytes, in the middle of a message."""
        self._left = size

    def stall(self) -> None:
        """Forward nothing more, but keep the connections."""
        self._flows.clear()

    def resume(self) -> None:
        """Forward again, in order; nothing is lost."""
        self._flows.set()

    def heal(self) -> None:
        """Forward everything from now on."""
        self._left = None
        self.resume()

    def switch(self, target: int) -> None:
        """Forward to another port from now on, and cut the connections to the old one."""
        self.target = target
        self.cut()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        pair = [writer]
        self._writers.add(writer)
        try:
            # If the target is down, or one of the connections is cut, both end.
            with suppress(OSError):
                onward_reader, onward = await asyncio.open_connection("127.0.0.1", self.target)
                pair.append(onward)
                self._writers.add(onward)
                await asyncio.gather(
                    self._forward(reader, onward), self._forward(onward_reader, writer)
                )
        finally:
            self._writers.difference_update(pair)
            for end in pair:
                end.transport.abort()

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(_CHUNK):
            await self._flows.wait()
            if (allowed := self._left) is not None:
                self._left = allowed - len(data)
                if self._left <= 0:
                    writer.write(data[:allowed])
                    self.cut()
                    return
            writer.write(data)
            await writer.drain()
        writer.close()
