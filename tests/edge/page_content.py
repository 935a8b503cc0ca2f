"""What all pages of the edge have in common."""

import base64
import hashlib
import re

from .raw_http import HttpResponse

HEADERS = {
    "cache-control": b"no-store, no-transform",
    "referrer-policy": b"no-referrer",
    "x-content-type-options": b"nosniff",
    "x-frame-options": b"DENY",
    "x-robots-tag": b"noindex",
}


def text_of(response: HttpResponse) -> str:
    """Return the text of a page without its tags."""
    page = re.sub(r"<style>.*?</style>", "", response.body.decode(), flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]*>", " ", page).split())


def style_source(response: HttpResponse) -> str:
    """Return the directive that allows the stylesheet inside a page."""
    (style,) = re.findall(r"<style>(.*?)</style>", response.body.decode(), flags=re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return f"style-src 'sha256-{digest}'"


def check_content(response: HttpResponse) -> None:
    """Check that a page loads nothing, runs nothing and may not be framed."""
    assert {name: response.headers[name] for name in HEADERS} == HEADERS
    page = response.body.decode()
    assert response.headers["content-security-policy"].decode().split("; ") == [
        "default-src 'none'",
        style_source(response),
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    ]
    assert not re.search(r"https?:|url\(|@import", page)
    assert not re.search(r"<script|<link|style=|src=|\son\w+=", page)
