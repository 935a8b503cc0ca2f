"""Recognizes the type of an image by its content. Pure."""

import re
from xml.etree import ElementTree as ET

__all__ = ["logo_type"]

_JPEG = b"\xff\xd8\xff"
_PNG = b"\x89PNG\r\n\x1a\n"
_WEBP = re.compile(rb"RIFF....WEBP", re.DOTALL)
_SVG_ROOT = "{http://www.w3.org/2000/svg}svg"


def logo_type(image: bytes) -> str | None:
    """Return the media type of a PNG, JPEG, WebP or SVG image; None for other content."""
    if image.startswith(_PNG):
        return "image/png"
    if image.startswith(_JPEG):
        return "image/jpeg"
    if _WEBP.match(image):
        return "image/webp"
    return "image/svg+xml" if _is_svg(image) else None


def _is_svg(image: bytes) -> bool:
    # Entities, which could expand to any size, can only be declared in a DTD.
    if b"<!DOCTYPE" in image or b"<!ENTITY" in image or b"\0" in image:
        return False
    try:
        return ET.fromstring(image).tag == _SVG_ROOT  # noqa: S314 # without a DTD, see above
    except ET.ParseError:
        return False
