"""Calls without a key that break the rules of gRPC or HTTP/2 leave only JSON in the log."""

import asyncio
import struct
from contextlib import suppress
from typing import Any

import grpc
import pytest

from tests.conftest import RunningAuthority
from tests.http2 import (
    DATA,
    END_HEADERS,
    END_STREAM,
    GOAWAY,
    HEADERS,
    PREFACE,
    SETTINGS,
    WINDOW_UPDATE,
    frame,
    header_block,
)
from tests.log_lines import log_lines
from tests.wire import Wire, empty_request

CLOSED = frame(GOAWAY, 0, 0, struct.pack(">II", 0, 1))
"""The end of a connection with a PROTOCOL_ERROR."""

EMPTY_MESSAGE = struct.pack(">BI", 0, 0)
COMPRESSED_MESSAGE = struct.pack(">BI", 1, 5) + b"hello"
START = PREFACE + frame(SETTINGS, 0, 0)

SILENT_SECONDS = 0.5

HEADER_FIELDS = {
    "unknown encoding": {b"grpc-encoding": b"snappy"},
    "encoding of any bytes": {b"grpc-encoding": b"\xff\xfe"},
    "no number as timeout": {b"grpc-timeout": b"soon"},
    "negative timeout": {b"grpc-timeout": b"-1S"},
    "other te": {b"te": b"bogus"},
    "other method": {b":method": b"BREW"},
    "other scheme": {b":scheme": b"ftp"},
    "path that is not UTF-8": {b":path": b"/hushpost.v1.TrackingService/\xff"},
    "path of any bytes": {b":path": b"\xff\xfe\x00"},
    "unknown path": {b":path": b"/"},
    "host that is not UTF-8": {b":authority": b"\xff"},
    "other content type": {b"content-type": b"text/html"},
    "control characters": {b"x\n": b"\x00\n"},
    "no base64": {b"x-bin": b"!!!"},
}
BODIES = {
    "unannounced compression": COMPRESSED_MESSAGE,
    "unknown flag": struct.pack(">BI", 7, 5) + b"hello",
    "longer than allowed": struct.pack(">BI", 0, 2**32 - 1),
    "shorter than announced": struct.pack(">BI", 0, 50) + b"hello",
}
FRAMES = {
    "not HTTP/2": b"GET / HTTP/1.1\r\n\r\n",
    "a TLS handshake": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(300),
    "bad compression of the header": START + frame(HEADERS, END_HEADERS, 1, b"\xff" * 6),
    "data of no call": START + frame(DATA, 0, 7, b"hello"),
    "settings of a wrong length": START + frame(SETTINGS, 0, 0, b"abc"),
    "a setting out of range": START + frame(SETTINGS, 0, 0, struct.pack(">HI", 5, 1)),
    "an empty window update": START + frame(WINDOW_UPDATE, 0, 0, bytes(4)),
    "an unknown frame": START + frame(77, 0, 3, b"hello"),
}


METHODS = ("RecordOpen", "RecordEvents")
"""The native transport serves one of them natively, and forwards the other."""


def header_of(method: str, fields: dict[bytes, bytes]) -> bytes:
    """Return the beginning of a call: the frame with its header."""
    path = f"/hushpost.v1.TrackingService/{method}".encode()
    return frame(HEADERS, END_HEADERS, 1, header_block({b":path": path, **fields}))


def _call(method: str, fields: dict[bytes, bytes], body: bytes) -> bytes:
    return START + header_of(method, fields) + frame(DATA, END_STREAM, 1, body)


def _calls(method: str) -> list[bytes]:
    return [
        *(_call(method, fields, EMPTY_MESSAGE) for fields in HEADER_FIELDS.values()),
        *(_call(method, {}, body) for body in BODIES.values()),
        _call(method, {b"grpc-encoding": b"gzip"}, COMPRESSED_MESSAGE),
    ]


MALFORMED = [*FRAMES.values(), *(call for method in METHODS for call in _calls(method))]


async def exchange(target: str, data: bytes) -> bytes:
    """Send bytes; return what comes until the server ends the connection or is silent."""
    received = b""
    host, _, port = target.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        with suppress(OSError, TimeoutError):
            writer.write(data)
            while more := await asyncio.wait_for(reader.read(65_536), SILENT_SECONDS):
                received += more
    finally:
        writer.close()
    return received


async def test_malformed_calls_leave_only_json_in_the_log(authority: RunningAuthority) -> None:
    """Whatever a caller without a key sends, each line of the log is a JSON object."""
    await asyncio.gather(*(exchange(authority.target, data) for data in MALFORMED))
    for compression in (grpc.Compression.Gzip, grpc.Compression.Deflate):
        async with Wire(authority.target) as wire:
            call: Any = wire.channel.unary_unary("/hushpost.v1.TrackingService/RecordEvents")
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await call(bytes(1_000), timeout=10, compression=compression)
            assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED
    assert log_lines(authority.process.log_file)


async def test_a_path_that_is_not_utf_8_is_an_unknown_method(
    authority: RunningAuthority, transport: str
) -> None:
    """Such a call ends as UNIMPLEMENTED, or its connection ends, and the authority goes on."""
    path = HEADER_FIELDS["path that is not UTF-8"]
    for _ in range(3):
        response = await exchange(authority.target, _call("RecordOpen", path, EMPTY_MESSAGE))
        assert (CLOSED if transport == "native" else b"Method not found!") in response
    async with Wire(authority.target) as wire:
        unknown: Any = wire.channel.unary_unary("/hushpost.v1.TrackingService/Nothing")
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await unknown(b"", timeout=10)
        assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED
        refusal = await wire.refusal("RecordClick", empty_request("RecordClick"), None)
        assert refusal.reason == "API_KEY_MISSING"
