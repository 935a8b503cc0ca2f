"""A client that calls an RPC with a stream of responses, and reads none of them."""

import asyncio
import struct

from tests.http2 import (
    ACK,
    DATA,
    END_HEADERS,
    END_STREAM,
    HEADERS,
    PING,
    PREFACE,
    RST_STREAM,
    SETTINGS,
    frame,
    header_block,
)

__all__ = ["leave_unread"]

_STREAM = 1


async def leave_unread(target: str, path: str, request: bytes, key: str = "") -> float:
    """Call an RPC; return after how many seconds the server has ended the call.

    Reads frames, and responds to pings, but never lets the server send more than the 64 KiB
    that each stream may send at first, as gRPC does for an application that does not read.
    """
    host, _, port = target.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    loop = asyncio.get_running_loop()
    start = loop.time()
    fields = {b":path": path.encode(), b"authorization": f"Bearer {key}".encode()}
    message = struct.pack(">BI", 0, len(request)) + request
    writer.write(
        PREFACE
        + frame(SETTINGS, 0, 0)
        + frame(HEADERS, END_HEADERS, _STREAM, header_block(fields))
        + frame(DATA, END_STREAM, _STREAM, message)
    )
    try:
        while True:
            head = await reader.readexactly(9)
            payload = await reader.readexactly(int.from_bytes(head[:3]))
            kind, flags = head[3], head[4]
            if kind in (SETTINGS, PING) and not flags & ACK:
                writer.write(frame(kind, ACK, 0, payload if kind == PING else b""))
            if kind == RST_STREAM or (kind == HEADERS and flags & END_STREAM):
                return loop.time() - start
    finally:
        writer.close()
