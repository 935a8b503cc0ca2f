"""Removes tracking from rendered HTML, independently of how the library adds it."""

import re
from urllib.parse import quote

from selectolax.lexbor import LexborHTMLParser

TRACKING_URL = "https://t.example.com"
TOKEN = "TOKEN_-" * 8
PREFERENCE_TOKEN = "PREFERENCE" * 4 + "TOKEN_"

REDIRECT_URL = re.compile(re.escape(f"{TRACKING_URL}/c/{TOKEN}/") + r"(\d+)")
PIXEL = re.compile(rf'<img src="{TRACKING_URL}/o/{TOKEN}\.gif"[^<>]*alt=""[^<>]*/>')
PREFERENCE_URL = f"{TRACKING_URL}/p/{PREFERENCE_TOKEN}"


def replaced_hrefs(rendered: str, original: str) -> list[tuple[int, str]]:
    """Return each link number in rendered HTML with the href that it replaced.

    Fails if anything but links, one pixel and preference links differs.
    """
    assert len(PIXEL.findall(rendered)) == 1
    without_pixel = PIXEL.sub("", rendered)
    redirect_url = REDIRECT_URL.pattern.replace("(", "(?:")
    pieces = re.split(rf"({redirect_url}|{re.escape(PREFERENCE_URL)})", without_pixel)
    unchanged, inserted_urls = pieces[::2], pieces[1::2]
    assert original.startswith(unchanged[0])
    start, hrefs = len(unchanged[0]), []
    for url, following in zip(inserted_urls, unchanged[1:], strict=True):
        # The first occurrence is right, because no href contains the text after it.
        end = original.index(following, start) if following else len(original)
        if url != PREFERENCE_URL:
            hrefs.append((int(url.rpartition("/")[2]), original[start:end]))
        start = end + len(following)
    assert start == len(original)
    return hrefs


def browser_destination(href: str) -> str:
    """Return the URL that a browser opens for the source of an href."""
    # Not html.unescape: in attributes, entities without a semicolon are decoded differently.
    anchor = LexborHTMLParser('<a href="' + href.replace('"', "&quot;") + '">').css_first("a")
    assert anchor is not None
    url = re.sub(r"[\t\r\n]", "", (anchor.attributes["href"] or "").strip())
    return re.sub(r"\s", lambda space: quote(space[0]), url)
