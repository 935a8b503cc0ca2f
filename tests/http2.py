"""Builds HTTP/2 frames, to send calls that no gRPC library would send (RFC 9113)."""

import struct

__all__ = [
    "ACK",
    "DATA",
    "END_HEADERS",
    "END_STREAM",
    "GOAWAY",
    "HEADERS",
    "PING",
    "PREFACE",
    "RST_STREAM",
    "SETTINGS",
    "WINDOW_UPDATE",
    "frame",
    "header_block",
]

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE = 0, 1, 3, 4, 6, 7, 8
END_STREAM = ACK = 1
END_HEADERS = 4

_FIELDS = {
    b":method": b"POST",
    b":scheme": b"http",
    b":path": b"/hushpost.v1.TrackingService/RecordEvents",
    b":authority": b"localhost",
    b"content-type": b"application/grpc",
    b"te": b"trailers",
}


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    """Return a frame."""
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def header_block(fields: dict[bytes, bytes]) -> bytes:
    """Return the header of a call of RecordEvents with some fields added or changed."""
    return b"".join(_literal(name, value) for name, value in {**_FIELDS, **fields}.items())


def _literal(name: bytes, value: bytes) -> bytes:
    """Encode a field without indexing (RFC 7541, section 6.2.2)."""
    return b"\x00" + bytes([len(name)]) + name + bytes([len(value)]) + value
