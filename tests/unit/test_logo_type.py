"""Which images are recognized as logos."""

import pytest

from hushpost_service.domain.logo_type import logo_type
from tests.images import JPEG, PNG, SVG, WEBP

ENTITIES = b'<!DOCTYPE svg [<!ENTITY a "aaaa">]><svg xmlns="http://www.w3.org/2000/svg">&a;</svg>'


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        (PNG, "image/png"),
        (JPEG, "image/jpeg"),
        (WEBP, "image/webp"),
        (SVG, "image/svg+xml"),
        (b"\n<!-- made by hand -->" + SVG.partition(b"?>")[2], "image/svg+xml"),
        (b"", None),
        (b"GIF89a" + bytes(30), None),
        (b"RIFF\x1a\0\0\0WAVE", None),
        (b"<html><svg xmlns='http://www.w3.org/2000/svg'/></html>", None),
        (b"<svg/>", None),
        (b"<svg xmlns='http://www.w3.org/2000/svg'>", None),
        (ENTITIES, None),
        (ENTITIES.decode().encode("utf-16"), None),
    ],
)
def test_the_type_follows_from_the_content(image: bytes, expected: str | None) -> None:
    """By the first bytes or the root element; an SVG has no DTD, which could expand entities."""
    assert logo_type(image) == expected
