"""Small images of each type."""

import base64

__all__ = ["JPEG", "PNG", "SVG", "WEBP"]

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
JPEG = b"\xff\xd8\xff\xe0" + bytes(20)
WEBP = b"RIFF\x1a\0\0\0WEBPVP8L" + bytes(14)
SVG = (
    b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" width="480" height="60">'
    b'<rect width="480" height="60" rx="8" fill="#7a1f5c"/></svg>'
)
